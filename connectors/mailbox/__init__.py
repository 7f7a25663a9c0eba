"""IMAP: reads the mail in the folders of one account by UID, oldest first, without changing anything on the server."""
