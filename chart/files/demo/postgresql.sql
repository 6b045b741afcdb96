-- What the demo's users share. Users that OpenBao makes are members of demo and own nothing, so they can be dropped.
CREATE ROLE demo NOLOGIN;
GRANT demo TO vaultadmin WITH ADMIN OPTION;
CREATE TABLE visits (at timestamptz NOT NULL DEFAULT now(), who text NOT NULL DEFAULT current_user);
ALTER TABLE visits OWNER TO demo;
