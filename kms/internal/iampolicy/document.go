package iampolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxSize is the largest key policy that KMS takes, in bytes.
const MaxSize = 32 << 10

// Effects of a statement.
const (
	Allow = "Allow"
	Deny  = "Deny"
)

// Document is a policy document.
type Document struct {
	Version   string     `json:"Version,omitempty"`
	ID        string     `json:"Id,omitempty"`
	Statement Statements `json:"Statement"`
}

// Statements are one statement or a list of them.
type Statements []Statement

// Statement is one rule. Of each positive and negative pair (Action and
// NotAction) at most one is set.
type Statement struct {
	Sid          string     `json:"Sid,omitempty"`
	Effect       string     `json:"Effect"`
	Principal    *Principal `json:"Principal,omitempty"`
	NotPrincipal *Principal `json:"NotPrincipal,omitempty"`
	Action       Strings    `json:"Action,omitempty"`
	NotAction    Strings    `json:"NotAction,omitempty"`
	Resource     Strings    `json:"Resource,omitempty"`
	NotResource  Strings    `json:"NotResource,omitempty"`
	Condition    Conditions `json:"Condition,omitempty"`
}

// Conditions map an operator ("StringEquals") to condition keys and values.
type Conditions map[string]map[string]Strings

// Strings are one string or a list of them.
type Strings []string

// Principal is who a statement speaks of: everyone, or names by kind ("AWS",
// "Service", "Federated", "CanonicalUser").
type Principal struct {
	Everyone bool
	ByKind   map[string]Strings
}

// Parse reads a policy document and reports every mistake of its grammar.
func Parse(data []byte) (Document, error) {
	var doc Document
	if len(data) > MaxSize {
		return doc, fmt.Errorf("policy document: %d bytes, the most is %d", len(data), MaxSize)
	}
	if err := strict(data, &doc); err != nil {
		return doc, fmt.Errorf("policy document: %w", err)
	}
	var errs []error
	if len(doc.Statement) == 0 {
		errs = append(errs, errors.New("policy document: no statement"))
	}
	for i, s := range doc.Statement {
		if err := s.check(); err != nil {
			errs = append(errs, fmt.Errorf("policy document: statement %s: %w", s.Name(i), err))
		}
	}
	return doc, errors.Join(errs...)
}

// Name is the statement's Sid, or its place in the document counted from 1.
func (s Statement) Name(index int) string {
	if s.Sid != "" {
		return s.Sid
	}
	return fmt.Sprintf("%d", index+1)
}

func (s Statement) check() error {
	var errs []error
	if s.Effect != Allow && s.Effect != Deny {
		errs = append(errs, fmt.Errorf("effect %q is neither Allow nor Deny", s.Effect))
	}
	if s.Principal != nil && s.NotPrincipal != nil {
		errs = append(errs, errors.New("both Principal and NotPrincipal"))
	}
	if (len(s.Action) == 0) == (len(s.NotAction) == 0) {
		errs = append(errs, errors.New("needs either Action or NotAction"))
	}
	if len(s.Resource) > 0 && len(s.NotResource) > 0 {
		errs = append(errs, errors.New("both Resource and NotResource"))
	}
	return errors.Join(errs...)
}

func strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text after its end")
	}
	return nil
}

// listed reads one value or a list of them.
func listed[T any](b []byte, decode func([]byte, any) error) ([]T, error) {
	if len(b) > 0 && b[0] == '[' {
		var all []T
		err := decode(b, &all)
		return all, err
	}
	var one T
	err := decode(b, &one)
	return []T{one}, err
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Statements) UnmarshalJSON(b []byte) (err error) {
	*s, err = listed[Statement](b, strict)
	return err
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Strings) UnmarshalJSON(b []byte) (err error) {
	if len(b) > 0 && b[0] != '"' && b[0] != '[' {
		// condition values may be bare: {"Bool": {"aws:SecureTransport": true}}
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		switch v.(type) {
		case bool, float64:
			*s = Strings{string(b)}
			return nil
		}
		return fmt.Errorf("%.40s is neither a string nor a list of strings", b)
	}
	*s, err = listed[string](b, json.Unmarshal)
	return err
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *Principal) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		if s != "*" {
			return fmt.Errorf(`principal %q: a bare principal can only be "*"`, s)
		}
		p.Everyone = true
		return nil
	}
	return json.Unmarshal(b, &p.ByKind)
}

// MarshalJSON implements json.Marshaler.
func (p Principal) MarshalJSON() ([]byte, error) {
	if p.Everyone {
		return []byte(`"*"`), nil
	}
	return json.Marshal(p.ByKind)
}
