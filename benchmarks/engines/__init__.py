"""The same job on ours and on other stream engines: what each costs, and what each loses or doubles at a kill -9."""
