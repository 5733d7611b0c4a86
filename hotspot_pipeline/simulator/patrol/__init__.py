"""The programme's data as a force delivers them: duties, plan, pings, logs. Not here: which visits happen (`trial`)."""
