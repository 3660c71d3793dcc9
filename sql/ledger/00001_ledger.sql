-- The ledger's first schema. Times are microseconds from 1970-01-01 UTC. Tokens, entities and event keys are 16 bytes.
-- tag: keyed hash over the whole row. sealed, wrapped: AES-256-GCM with its nonce in front.
-- ord: version, time known, log, partition, offset and entry, written so that bytes compare like the values.

-- +goose Up

-- One row per small durable fact: key check values, the newest sequence that another store has applied.
CREATE TABLE setting (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    tag   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per table whose rows must not get lost, with the number of its rows; 'ledger' counts committed writes.
CREATE TABLE tally (
    name TEXT NOT NULL PRIMARY KEY,
    n    INTEGER NOT NULL,
    tag  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per patient: the random key that seals everything about them, wrapped by the key-encryption key of version kek.
CREATE TABLE vault_key (
    token   BLOB NOT NULL PRIMARY KEY,
    wrapped BLOB NOT NULL,
    kek     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX vault_key_kek ON vault_key (kek);

-- One row per record of a source about who a patient, or a person related to them, is: the newest version only.
CREATE TABLE vault (
    ent    BLOB NOT NULL PRIMARY KEY,
    token  BLOB NOT NULL REFERENCES vault_key (token),
    kind   TEXT NOT NULL CHECK (kind IN ('patient', 'related')),
    ord    BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX vault_token ON vault (token);

-- One row per identifier of a vault record: a keyed hash of its normal form.
CREATE TABLE vault_index (
    kind  TEXT NOT NULL CHECK (kind IN ('mrn', 'phone', 'email')),
    value BLOB NOT NULL,
    ent   BLOB NOT NULL REFERENCES vault (ent),
    PRIMARY KEY (kind, value, ent)
) STRICT, WITHOUT ROWID;
CREATE INDEX vault_index_ent ON vault_index (ent);

-- One row per consent statement, numbered per patient from 1. Rows are never deleted; erasure takes the sealed evidence.
CREATE TABLE consent (
    id            INTEGER NOT NULL PRIMARY KEY,
    event         BLOB NOT NULL UNIQUE,
    token         BLOB NOT NULL,
    n             INTEGER NOT NULL,
    ent           BLOB NOT NULL,
    source        TEXT NOT NULL,
    ord           BLOB NOT NULL,
    retracted     INTEGER NOT NULL,
    action        TEXT NOT NULL,
    channel       TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    basis         TEXT NOT NULL,
    effective_lo  INTEGER NOT NULL,
    effective_hi  INTEGER NOT NULL,
    effective_off INTEGER,
    expires       INTEGER,
    sealed        BLOB,
    tag           BLOB NOT NULL,
    UNIQUE (token, n)
) STRICT;

-- One row per patient with statements: how many there are, so that a lost one is noticed when they are read.
CREATE TABLE consent_head (
    token BLOB NOT NULL PRIMARY KEY,
    n     INTEGER NOT NULL,
    tag   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per act, each holding the hash of the one before. tag is keyed, hash is not: anyone can follow the chain.
CREATE TABLE audit (
    seq      INTEGER NOT NULL PRIMARY KEY,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    purpose  TEXT NOT NULL,
    action   TEXT NOT NULL,
    denied   INTEGER NOT NULL,
    subjects INTEGER NOT NULL,
    subject  BLOB,
    list     BLOB REFERENCES audit_list (hash),
    detail   TEXT NOT NULL,
    prev     BLOB NOT NULL,
    hash     BLOB NOT NULL,
    tag      BLOB NOT NULL
) STRICT;
CREATE INDEX audit_subject ON audit (subject) WHERE subject IS NOT NULL;
CREATE INDEX audit_list_row ON audit (list) WHERE list IS NOT NULL;

-- One row per list of patients that an act was about: the tokens sorted, 16 bytes each, under their SHA-256.
CREATE TABLE audit_list (
    hash   BLOB NOT NULL PRIMARY KEY,
    tokens BLOB NOT NULL
) STRICT;

-- One row per run of the pipeline.
CREATE TABLE run (
    id           TEXT NOT NULL PRIMARY KEY,
    as_of        INTEGER NOT NULL,
    inputs       TEXT NOT NULL,
    known_to     TEXT NOT NULL,
    checksums    TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('started', 'published', 'failed')),
    reason       TEXT NOT NULL,
    seq          INTEGER NOT NULL,
    started_at   INTEGER NOT NULL,
    published_at INTEGER,
    retained     INTEGER NOT NULL,
    cited        INTEGER NOT NULL,
    tag          BLOB NOT NULL
) STRICT;

-- One row per value set ever loaded, under the SHA-256 of its content: lines of system|code, sorted.
CREATE TABLE valueset (
    hash    BLOB NOT NULL PRIMARY KEY,
    oid     TEXT NOT NULL,
    version TEXT NOT NULL,
    title   TEXT NOT NULL,
    codes   INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT;

-- One row per state of the loaded value sets, and the sets that are in it.
CREATE TABLE edition (
    seq       INTEGER NOT NULL PRIMARY KEY,
    hash      TEXT NOT NULL,
    loaded_at INTEGER NOT NULL,
    tag       BLOB NOT NULL
) STRICT;
CREATE INDEX edition_hash ON edition (hash);
CREATE TABLE edition_set (
    edition INTEGER NOT NULL REFERENCES edition (seq),
    oid     TEXT NOT NULL,
    hash    BLOB NOT NULL REFERENCES valueset (hash),
    PRIMARY KEY (edition, oid)
) STRICT, WITHOUT ROWID;

-- One row per value that people entered: imports, baselines and targets of KPIs. first_day counts days from 1970-01-01.
CREATE TABLE kpi_value (
    seq       INTEGER NOT NULL PRIMARY KEY,
    kind      TEXT NOT NULL CHECK (kind IN ('import', 'baseline', 'target')),
    kpi       TEXT NOT NULL,
    first_day INTEGER NOT NULL,
    site      TEXT NOT NULL,
    value     TEXT NOT NULL,
    source    TEXT NOT NULL,
    owner     TEXT NOT NULL,
    entered   INTEGER NOT NULL,
    tag       BLOB NOT NULL
) STRICT;

-- One row per user. token is the SHA-256 of the token that was shown once.
CREATE TABLE user (
    id       TEXT NOT NULL PRIMARY KEY,
    name     TEXT NOT NULL,
    uid      INTEGER,
    role     TEXT NOT NULL,
    token    BLOB,
    created  INTEGER NOT NULL,
    disabled INTEGER,
    tag      BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX user_uid ON user (uid) WHERE uid IS NOT NULL AND disabled IS NULL;
CREATE UNIQUE INDEX user_token ON user (token) WHERE token IS NOT NULL;

-- One row per erased patient.
CREATE TABLE tombstone (
    token  BLOB NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    at     INTEGER NOT NULL,
    tag    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
SELECT 'the ledger is never taken back to an older schema; restore a backup';
