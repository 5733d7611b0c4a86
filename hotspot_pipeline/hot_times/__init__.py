"""When crime happens: hour-of-week weights, profiles and patrol windows.

- `time_cases`: how well an event's time is known, and what follows for its hours;
- `aoristic`: windows of time become weights by local hour;
- `week_sums`: weights of a place by week and hour, with the hours that the weeks really had;
- `shrinkage`, `profiles`: how the week is shaped, with its uncertainty and its label;
- `hot_blocks`: which blocks stand out;
- `levels`: hotspots, their clusters and the force together;
- `best_windows`, `windows`, `shifts`: the patrol windows that a budget of hours is best spent on;
- `night_link`: whether a place belongs to the night-time economy;
- `calendar`: which hours are ordinary, which are night;
- `tables`: all of it put together, as the rows of the tables; `assets`: reading and writing them.

Not here: what an hour is called (`timebase`), pictures (`published`).
"""
