"""Fleetcast: trains, tunes, judges and ships a fleet of market models."""
