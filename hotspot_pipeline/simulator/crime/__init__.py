"""What happens and how it is put on record: events, their times and places, records and their changes. Not here: files
(`delivery`), patrols (`trial`, `patrol`)."""
