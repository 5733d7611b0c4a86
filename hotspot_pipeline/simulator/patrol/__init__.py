"""The programme's data as a force delivers them: duties, plan, pings, logs. Not here: which visits happen (`trial`).

`deliver.deliver_patrols` writes everything. From the ground up: `ground` and `times`; `stops` (where units stay), `crews` and
`background` (who goes where), `calibration` (how often by chance); `tracks` (exact positions) and `presence` (exact minutes);
`pools` and `duties`; `noise` and `pings` (what devices report); `logs`; `days` (one day of all that), `feeds` (files), `truth`.
"""
