-- What a mail tells the owners of an organisation, and of which.
ALTER TABLE messages ADD COLUMN notice TEXT;
ALTER TABLE messages ADD COLUMN notice_organisation TEXT;
