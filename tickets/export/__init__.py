"""Tickets in the words of other systems; pure functions of one snapshot, masked or in clear."""

from tickets.export.open311 import service_request, service_requests_json, service_requests_xml
from tickets.export.zammad import ticket_form

__all__ = ["service_request", "service_requests_json", "service_requests_xml", "ticket_form"]
