"""What people and hospitals say: the survey of residents and businesses, the QR form, emergency-department attendances
(DOMAIN §8.6). Not here: crime and incidents (`crime`), what patrols do (`trial`)."""

from __future__ import annotations

from hotspot_pipeline.simulator.surveys.feeds import deliver_surveys
from hotspot_pipeline.simulator.surveys.truth import SurveysTruth

__all__ = ["SurveysTruth", "deliver_surveys"]
