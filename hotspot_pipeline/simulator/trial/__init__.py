"""The patrol programme as an experiment with known effects: places, arms, plan, visits, the twin without patrols. Not
here: how patrols are tracked (`patrol`)."""
