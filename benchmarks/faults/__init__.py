"""The fault suite: numbered messages through the whole pipeline while everything in it is killed, frozen and cut."""
