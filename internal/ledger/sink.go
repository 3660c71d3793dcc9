package ledger

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"carereach/models"
)

// The kinds of line in the sink. Each also carries the head of the audit trail at that moment.
const (
	sinkStart      = "start"      // the ledger was made, or the sink was replaced
	sinkCheckpoint = "checkpoint" // rows were appended
	sinkErased     = "erased"     // a patient was erased: repeated when an older ledger is restored
	sinkRestored   = "restored"   // an older ledger was accepted: checkpoints above Keep are void
)

// sinkLine is one line of the sink, as JSON. Prev is the hash of the line before, so that the signature of the last line
// vouches for all of them.
type sinkLine struct {
	Kind   string `json:"kind"`
	At     int64  `json:"at"` // microseconds from 1970-01-01 UTC
	Seq    int64  `json:"seq"`
	Hash   string `json:"hash"`
	Keep   int64  `json:"keep,omitempty"`
	Token  string `json:"token,omitempty"`
	Reason string `json:"reason,omitempty"`
	Prev   string `json:"prev"`
	Sig    string `json:"sig"`
}

// signed gives the bytes that are signed.
func (s sinkLine) signed() []byte {
	b := appendText(nil, "carereach audit sink 1")
	for _, v := range []any{s.Kind, s.At, s.Seq, s.Hash, s.Keep, s.Token, s.Reason, s.Prev} {
		b = appendValue(b, v)
	}
	return b
}

// sink is the second place where the head of the audit trail is written: a file that is only ever appended to.
type sink struct {
	path string
	key  ed25519.PrivateKey
	mu   sync.Mutex
	file *os.File
	size int64
	last sinkLine // zero when the sink is empty
	prev string   // hash of the last line
	fail error    // set when a failed write could not be undone
}

// maxSinkLine bounds a line; reasons are at most 200 bytes.
const maxSinkLine = 4096

// openSinkFile opens or makes the sink and checks its last line. What a crash left of an unfinished line is cut off: nothing
// that was acknowledged depends on it.
func openSinkFile(path string, key ed25519.PrivateKey) (*sink, error) {
	_, statErr := os.Stat(path)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fault("open the audit sink", err)
	}
	s := &sink{path: path, key: key, file: f}
	if err = s.readEnd(); err == nil && errors.Is(statErr, os.ErrNotExist) {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(fault("open the audit sink", err), f.Close())
	}
	return s, nil
}

func (s *sink) readEnd() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.size = info.Size()
	from := max(0, s.size-2*maxSinkLine)
	tail := make([]byte, s.size-from)
	if _, err := io.ReadFull(io.NewSectionReader(s.file, from, s.size-from), tail); err != nil {
		return err
	}
	end := bytes.LastIndexByte(tail, '\n') + 1
	if torn := int64(len(tail) - end); torn > 0 {
		s.size -= torn
		if err := s.file.Truncate(s.size); err != nil {
			return err
		}
	}
	if end == 0 {
		if from > 0 {
			return sinkDamaged("its last line is too long")
		}
		return nil
	}
	line := tail[bytes.LastIndexByte(tail[:end-1], '\n')+1 : end-1]
	if s.last, err = parseSinkLine(line); err != nil {
		return err
	}
	s.prev = lineHash(line)
	return s.verify(s.last)
}

func sinkDamaged(what string) error {
	return &models.Error{Kind: models.KindCorruption, Message: "ledger: the second sink of the audit trail is damaged: " + what, Mend: "keep a copy of it and of ledger.db, and find out who changed it"}
}

func parseSinkLine(line []byte) (sinkLine, error) {
	var l sinkLine
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&l); err != nil || dec.More() {
		return sinkLine{}, sinkDamaged("a line cannot be read")
	}
	return l, nil
}

func lineHash(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

func (s *sink) verify(l sinkLine) error {
	sig, err := hex.DecodeString(l.Sig)
	if err != nil || !ed25519.Verify(s.key.Public().(ed25519.PublicKey), l.signed(), sig) {
		return sinkDamaged("the signature of a line is not ours")
	}
	return nil
}

// head gives the last line.
func (s *sink) head() sinkLine {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// add signs a line, appends it and returns when it is on the disk. After an error the sink is as it was before, or takes
// nothing more.
func (s *sink) add(l sinkLine) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if l.Kind == sinkErased { // says nothing about the trail: its head stays the one before
		l.Seq, l.Hash = s.last.Seq, s.last.Hash
	}
	l.Prev = s.prev
	l.Sig = hex.EncodeToString(ed25519.Sign(s.key, l.signed()))
	line, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = s.file.Write(append(line, '\n'))
	if err = errors.Join(err, s.file.Sync()); err != nil {
		err = &models.Error{Kind: models.KindUnavail, Message: "ledger: the second sink of the audit trail cannot be written", Mend: "free space or mend its disk; until then nothing that needs an audit row is done", Cause: err}
		if back := s.file.Truncate(s.size); back != nil {
			s.fail = err
		}
		return err
	}
	s.size += int64(len(line)) + 1
	s.last, s.prev = l, lineHash(line)
	return nil
}

func (s *sink) close() error { return s.file.Close() }

// sinkState is what all lines of a sink amount to.
type sinkState struct {
	points []sinkPoint // heads in force, in order
	erased map[models.PatientID]Tombstone
}

type sinkPoint struct {
	seq  int64
	hash string
}

// readAll reads the sink from its start and checks the link of every line and the signature of the last.
func (s *sink) readAll() (sinkState, error) {
	s.mu.Lock()
	size := s.size
	s.mu.Unlock()
	st := sinkState{erased: map[models.PatientID]Tombstone{}}
	sc := bufio.NewScanner(io.NewSectionReader(s.file, 0, size))
	sc.Buffer(make([]byte, 0, maxSinkLine), 2*maxSinkLine)
	prev, n := "", 0
	var last sinkLine
	for sc.Scan() {
		n++
		line, err := parseSinkLine(sc.Bytes())
		if err != nil {
			return st, err
		}
		if line.Prev != prev {
			return st, sinkDamaged(fmt.Sprintf("line %d does not follow the one before", n))
		}
		prev, last = lineHash(sc.Bytes()), line
		if err := st.take(line); err != nil {
			return st, err
		}
	}
	if err := sc.Err(); err != nil {
		return st, sinkDamaged("a line is too long or cannot be read")
	}
	if n == 0 {
		return st, nil
	}
	return st, s.verify(last)
}

func (st *sinkState) take(l sinkLine) error {
	switch l.Kind {
	case sinkErased:
		id, err := models.ParsePatientID(l.Token)
		if err != nil {
			return sinkDamaged("an erasure names no patient token")
		}
		st.erased[id] = Tombstone{Patient: id, Reason: l.Reason, At: instant(l.At)}
	case sinkRestored:
		for len(st.points) > 0 && st.points[len(st.points)-1].seq > l.Keep {
			st.points = st.points[:len(st.points)-1]
		}
	}
	st.points = append(st.points, sinkPoint{l.Seq, l.Hash})
	return nil
}
