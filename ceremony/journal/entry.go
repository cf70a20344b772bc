package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/linnemanlabs/trustroot/internal/chain"
)

// Bounds of a journal. They are far above what a ceremony writes.
const (
	maxLine = 1 << 20  // bytes of a line, with its newline
	maxSize = 64 << 20 // bytes of a journal
)

// Kinds of entry that the journal itself gives a meaning. Note takes any other
// word.
const (
	KindOpen      = "open"      // the first line; its data is a Head
	KindHost      = "host"      // a finding about the ceremony host
	KindDevice    = "device"    // the token's identity
	KindShown     = "shown"     // a text that the operator was shown
	KindAnswered  = "answered"  // a question and its answer
	KindIntent    = "intent"    // a step is about to be done
	KindResult    = "result"    // the step was done
	KindFailed    = "failed"    // the attempt ended without effect
	KindException = "exception" // a rule that was set aside
	KindTorn      = "torn"      // a last line that a crash cut short; its data is a Torn
	KindResume    = "resume"    // the same command was run again
	KindAbort     = "abort"     // the operator stopped
	KindClose     = "close"     // the last line
)

// Entry is one line of a journal.
type Entry struct {
	Seq     int             `json:"seq"`  // 1, 2, 3, …
	Prev    string          `json:"prev"` // hex SHA-256 of the previous raw line with its newline; 64 zeros in the first
	Time    time.Time       `json:"time"` // UTC, whole seconds, by the ceremony host's clock
	Kind    string          `json:"kind"`
	Step    string          `json:"step,omitempty"`    // what intent, result and failed belong to
	Attempt int             `json:"attempt,omitempty"` // 1, 2, 3, … for intent, result and failed
	Data    json.RawMessage `json:"data"`              // an object, keys sorted
}

// Head is the data of the first line: what the ceremony is about. Two heads of
// one ceremony are equal under ==.
type Head struct {
	Ceremony      string `json:"ceremony"`       // name in the plan
	RequestDigest string `json:"request_sha256"` // hex, of the request's SHA256SUMS
	Token         uint32 `json:"token"`          // serial number of the root's YubiKey
	BinarySHA256  string `json:"binary_sha256"`  // hex, of the running trustroot
}

// Torn is the data of a line of kind torn.
type Torn struct {
	File   string `json:"file"` // beside the journal
	SHA256 string `json:"sha256"`
	Length int    `json:"length"` // bytes
}

// maxStep bounds the name of a step, in bytes.
const maxStep = 128

var (
	kindForm = regexp.MustCompile(`^[a-z][a-z-]{0,31}$`)
	stepForm = regexp.MustCompile(`^[!-~]([ -~]*[!-~])?$`)
)

// encode returns an entry's line with its newline.
func (e Entry) encode() ([]byte, error) {
	data, err := canonical(e.Data)
	if err != nil {
		return nil, err
	}
	e.Data = data
	line, err := chain.Marshal(e)
	if err != nil {
		return nil, err
	}
	if len(line) > maxLine {
		return nil, fmt.Errorf("the line would have %d bytes, more than the %d a line may have", len(line), maxLine)
	}
	return line, nil
}

// parseLine reads one line, newline included. It takes only what encode
// returns, so that nothing can hide between two readings of a line.
func parseLine(line []byte) (Entry, error) {
	if len(line) > maxLine {
		return Entry{}, fmt.Errorf("more than %d bytes", maxLine)
	}
	var e Entry
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return Entry{}, fmt.Errorf("not an entry: %w", err)
	}
	want, err := e.encode()
	if err != nil {
		return Entry{}, err
	}
	if !bytes.Equal(line, want) {
		return Entry{}, errors.New("not in the form that a journal is written in")
	}
	return e, nil
}

// canonical returns data as a JSON object without white space, keys sorted;
// nil becomes the empty object.
func canonical(data any) (json.RawMessage, error) {
	text, err := chain.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // digits stay as they are
	object := map[string]any{}
	if err := d.Decode(&object); err != nil {
		return nil, fmt.Errorf("data is not a JSON object: %w", err)
	}
	if object == nil {
		object = map[string]any{}
	}
	text, err = chain.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return bytes.TrimSuffix(text, []byte("\n")), nil
}
