package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/chain"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/strict"
)

// Limits of what is read.
const (
	maxLine  = 64 << 10  // bytes of one line
	maxBytes = 256 << 20 // bytes of a ledger
)

// encode sets the entry's sum and writes its line, with the newline.
func encode(e *Entry) ([]byte, error) {
	e.Sum = ""
	line, err := chain.Marshal(e)
	if err != nil {
		return nil, err
	}
	body := bytes.TrimSuffix(line, []byte("\n"))
	e.Sum = digest.Hex(body)
	// the sum is the last member, so the empty one is the end of the body.
	line = append(bytes.TrimSuffix(body, []byte(`"}`)), e.Sum+"\"}\n"...)
	if len(line) > maxLine {
		return nil, fmt.Errorf("%d bytes are more than a line may have (%d)", len(line), maxLine)
	}
	return line, nil
}

// decode reads a line, which ends with its newline, and refuses one that
// encode would not have written: that the bytes are the same leaves no room for
// unknown fields, duplicate keys or a wrong sum.
func decode(line []byte) (*Entry, error) {
	if len(line) > maxLine {
		return nil, fmt.Errorf("%d bytes are more than a line may have (%d)", len(line), maxLine)
	}
	e := new(Entry)
	if err := json.Unmarshal(line, e); err != nil {
		return nil, explain(line, err)
	}
	sum := e.Sum
	canonical, err := encode(e)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(canonical, line) {
		return e, nil
	}
	if e.Sum != sum {
		return nil, explain(line, errors.New("the line does not match its sum: it was changed"))
	}
	return nil, explain(line, errors.New("the line is not in the form that this tool writes"))
}

// explain returns what a strict reading finds wrong with a line, or else err.
func explain(line []byte, err error) error {
	ps, ok := errors.AsType[strict.Problems](strict.JSON(line, new(Entry)))
	if !ok {
		return err
	}
	for i := range ps {
		ps[i].Line, ps[i].Column = 0, 0 // it is one line, and its number is known
	}
	return ps
}

// payload is what one type of entry says. Its check notes what may not stand
// after what the state holds, and returns what adds it.
type payload interface {
	check(s *State, ps *problems, e *Entry) (commit func())
}

// payload returns the one payload that is set, and its name.
func (e *Entry) payload() (name string, says payload, err error) {
	set := 0
	for field, v := range reflect.ValueOf(e).Elem().Fields() {
		if v.Kind() == reflect.Pointer && !v.IsNil() {
			set++
			says, _ = v.Interface().(payload) // as every pointer of an entry is
			name, _, _ = strings.Cut(field.Tag.Get("json"), ",")
		}
	}
	if set != 1 {
		return "", nil, fmt.Errorf("%d payloads where there must be one", set)
	}
	return name, says, nil
}
