-- The order of the list for the filters that had none: by device, with a guest, without one.
CREATE INDEX captures_device ON captures (event_id, device_id, captured_at, id) WHERE deleted_at IS NULL;
CREATE INDEX captures_with_guest ON captures (event_id, captured_at, id) WHERE deleted_at IS NULL AND guests > 0;
CREATE INDEX captures_without_guest ON captures (event_id, captured_at, id) WHERE deleted_at IS NULL AND guests = 0;
