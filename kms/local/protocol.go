package local

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// a KMS request is at most a few KiB: policies up to 32 KiB, messages 4 KiB.
const maxBody = 1 << 18

// target is the prefix of X-Amz-Target in KMS's JSON protocol 1.1.
const target = "TrentService."

// ServeHTTP answers one call: KMS where X-Amz-Target says so, else STS.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return // the client has gone, or sent what no KMS call is
	}
	s.mu.Lock()
	s.counter++
	n, rules := s.counter, s.rules
	s.mu.Unlock()
	if rules.Latency > 0 {
		select {
		case <-time.After(rules.Latency):
		case <-r.Context().Done():
			return
		}
	}
	action, isKMS := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	if !isKMS {
		s.serveSTS(w, r, body)
		return
	}
	call := Call{Action: action}
	var answer any
	switch {
	case every(n, rules.ThrottleEvery):
		err = fail("ThrottlingException", "Rate exceeded")
	default:
		answer, err = s.do(r, &call, body)
	}
	if every(n, rules.CutEvery) {
		call.Error = "connection torn"
		s.record(call)
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	s.write(w, call, answer, err)
}

func every(n, nth int) bool { return nth > 0 && n%nth == 0 }

// do authenticates and runs one KMS action under the lock.
func (s *Server) do(r *http.Request, call *Call, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	caller, err := s.authenticate(r)
	if err != nil {
		return nil, err
	}
	call.Principal = caller.arn
	run, known := actions[call.Action]
	if !known {
		return nil, fail("UnknownOperationException", "the KMS stand-in has no %s", call.Action)
	}
	q := &query{server: s, caller: caller, call: call, body: body}
	answer, err := run(q)
	if err != nil {
		return nil, err
	}
	if q.changed {
		if err := s.store.save(); err != nil {
			return nil, &apiError{status: 500, code: "KMSInternalException", message: err.Error()}
		}
	}
	return answer, nil
}

func (s *Server) write(w http.ResponseWriter, call Call, answer any, err error) {
	call.Status = http.StatusOK
	if err != nil {
		e := asAPI(err)
		call.Status, call.Error = e.status, e.code
		answer = map[string]string{"__type": e.code, "message": e.message}
	}
	if answer == nil {
		answer = struct{}{}
	}
	s.send(w, call, "application/x-amz-json-1.1", func(b *bytes.Buffer) error { return json.NewEncoder(b).Encode(answer) })
}

func (s *Server) send(w http.ResponseWriter, call Call, kind string, encode func(*bytes.Buffer) error) {
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		call.Status, call.Error = http.StatusInternalServerError, err.Error()
	}
	s.record(call)
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(call.Status)
	_, _ = w.Write(b.Bytes()) // the client has gone: nothing to tell it
}

func (s *Server) record(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	s.logf("kms %s %s %d %s\n", c.Action, cmp.Or(c.Key, "-"), c.Status, cmp.Or(c.Error, "ok"))
}

// query is one call on its way through an action.
type query struct {
	server  *Server
	caller  caller
	call    *Call
	body    []byte
	changed bool
}

func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// apiError is an error answer. code is the shape's name in the KMS API
// reference, which the SDK turns into its typed error.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func fail(code, format string, args ...any) *apiError {
	return &apiError{status: 400, code: code, message: fmt.Sprintf(format, args...)}
}

func errNotFound(what string) *apiError {
	return fail("NotFoundException", "%s is not found.", what)
}

func errValidation(format string, args ...any) *apiError {
	return fail("ValidationException", format, args...)
}

// asAPI gives an error that is not an answer of its own KMS's word for one.
func asAPI(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return &apiError{status: 500, code: "KMSInternalException", message: err.Error()}
}
