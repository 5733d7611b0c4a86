"""What people and hospitals say: the residents' survey, the QR form, emergency-department attendances."""
