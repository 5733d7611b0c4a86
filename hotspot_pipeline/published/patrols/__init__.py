"""What people see of patrols: an overview, a sheet for each hotspot, a map of where the time goes.

Here: reading the tables of `patrols`, pictures, plain sentences. Not here: the figures (`patrols`). Nothing by officer or crew is read into a
picture but to sum it up.
"""
