"""Back pressure: shares of senders, deferred records, back-fill, and the lag of downstream stages."""
