// Package ledger keeps what a person or a run depends on and no log can replay: sealed identities, consents, the run
// register, loaded value sets, KPI inputs, users and the audit trail. It is the only package that opens SQLite.
//
// One process owns a ledger (Open takes a lock). Writes are transactions of the one write connection, committed with
// synchronous=FULL: what a method acknowledged survives a kill and a power cut. Reads run on pooled connections.
// SQLite does not notice damaged bytes by itself, so rows carry a keyed tag, a seal or a link of the audit chain that is
// checked whenever they are read; a row that fails is an error of models.KindCorruption and is never returned.
//
// Every method of *Ledger and *Keys is safe for concurrent use unless it says otherwise. Times are stored in UTC to the
// microsecond. Errors name tables, row ids and patient tokens, never identifiers.
package ledger
