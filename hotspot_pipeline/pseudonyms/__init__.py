"""Pseudonyms in place of what names a person, a device or a record, and the keys they are made with.

Here: the keyed hash and the mask (`hashing.py`), the key files (`keys.py`), one key a year and its register
(`yearly.py`). Not here: which columns are identifiers (`feeds/`), when a row gets its pseudonyms (`raw/` for feeds with
officers and devices, `validated/` for crimes and incidents).
"""
