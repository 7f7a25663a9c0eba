"""The only place where a shape is defined: records, envelope, topics, ids, errors."""
