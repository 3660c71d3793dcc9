-- The tables of analytics.duckdb that do not follow from models: who is known, how far the logs are read, what became of
-- every input, and which runs are published. Fact tables (ver_*, cur_*) and the tables of a run (pub.*) are generated.
-- There are no primary keys: a unique index costs two thirds of the load speed and four times the disk. Whoever
-- writes a table keeps its keys unique inside the transaction.
-- A migration is never edited after a release.

-- +goose Up

-- One row per patient token met, with the key under which facts of this file name the patient.
CREATE TABLE subject (
	pid BIGINT NOT NULL,      -- bucket << 40 | n; this file's own, never leaves it
	token UUID NOT NULL,      -- patient token
	bucket SMALLINT NOT NULL, -- first byte of the token
	stub BOOLEAN NOT NULL     -- no Patient version is stored yet: out of runs until one arrives
);

-- One row per patient whose record was replaced by another: the one that stands for the person. Made by the fold.
CREATE TABLE person (
	pid BIGINT NOT NULL,
	survivor BIGINT NOT NULL
);

-- One row per event registered, stored or quarantined, so that a repeated one is known again.
CREATE TABLE event_seen (
	ek UUID NOT NULL, -- key of (tenant, source, event id)
	bh UUID NOT NULL  -- hash of the body: the same id with another body is a fault of the source
);

-- One row per partition of a log: everything below next_offset is in this file. Written with the facts, never without.
CREATE TABLE position (
	log VARCHAR NOT NULL,
	part INTEGER NOT NULL,
	next_offset BIGINT NOT NULL
);

-- One row per number that only grows: the next k, the next n of a bucket, the next quarantine id, the next run.
CREATE TABLE counter (
	name VARCHAR NOT NULL,
	value BIGINT NOT NULL
);

-- One row per batch, source and resource type: what became of its inputs. The four counts sum to what came in.
CREATE TABLE tally (
	log VARCHAR NOT NULL,
	part INTEGER NOT NULL,
	first_offset BIGINT NOT NULL,
	next_offset BIGINT NOT NULL,
	source VARCHAR,
	resource VARCHAR,
	stored BIGINT NOT NULL,
	duplicate BIGINT NOT NULL,
	ignored BIGINT NOT NULL,
	quarantined BIGINT NOT NULL
);

-- One row per input set aside, with the reason and how to mend it; the input itself is sealed.
CREATE TABLE quarantine (
	id BIGINT NOT NULL,
	log VARCHAR NOT NULL,
	part INTEGER NOT NULL,
	off BIGINT NOT NULL,
	entry INTEGER NOT NULL,
	source VARCHAR,
	resource VARCHAR,
	reason VARCHAR NOT NULL, -- machine-readable reason
	place VARCHAR,           -- element or column, never its value
	detail VARCHAR,
	mend VARCHAR,
	schema_version VARCHAR,
	ek UUID,
	bh UUID,
	known_at TIMESTAMP NOT NULL,
	sealed BLOB,             -- AES-256-GCM of the raw input
	key_id VARCHAR,
	state VARCHAR NOT NULL   -- open, released, dropped
);

-- One row per code of the primary code element of a current fact. Made by the fold.
CREATE TABLE codes (
	rt VARCHAR NOT NULL, -- resource type
	pid BIGINT,          -- NULL for types without a patient
	k BIGINT NOT NULL,
	code VARCHAR NOT NULL -- system|code
);

-- One row per thing the fold remembers: what it has folded and by which rules.
CREATE TABLE fold_state (
	name VARCHAR NOT NULL,
	value VARCHAR
);

-- One row per column that was added to a version table when rows were already stored: empty in them until a rebuild.
CREATE TABLE column_added (
	table_name VARCHAR NOT NULL,
	column_name VARCHAR NOT NULL
);

CREATE SCHEMA pub;

-- One row per published run. Its rows in the other tables of pub never change.
CREATE TABLE pub.run (
	run_id VARCHAR NOT NULL,
	as_of DATE NOT NULL,
	period_start DATE NOT NULL,
	period_end DATE NOT NULL,
	zone VARCHAR NOT NULL,
	inputs VARCHAR NOT NULL, -- JSON: everything that decided the rows
	published_seq BIGINT NOT NULL,
	published_at TIMESTAMP NOT NULL
);

-- One row per as-of date: the run that readers show. Replaced in the transaction that publishes.
CREATE TABLE pub.current (
	as_of DATE NOT NULL,
	run_id VARCHAR NOT NULL,
	seq BIGINT NOT NULL
);
