"""IMAP: the mail in the folders of one account, oldest first, by UID, without changing anything on the server."""
