package iampolicy

import (
	"bytes"
	"encoding/json"
	"path"
	"reflect"
	"strings"
	"testing"
)

func TestParse_OneOrMany(t *testing.T) {
	one, err := Parse([]byte(`{"Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Condition":{"Bool":{"kms:MultiRegion":false}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	many, err := Parse([]byte(`{"Statement":[{"Effect":"Allow","Principal":"*","Action":["kms:*"],"Condition":{"Bool":{"kms:MultiRegion":["false"]}}}]}`))
	if err != nil || !reflect.DeepEqual(one, many) {
		t.Errorf("%+v and %+v (%v)", one, many, err)
	}
}

func TestParse_ReportsEveryMistake(t *testing.T) {
	_, err := Parse([]byte(`{"Statement":[{"Sid":"A","Effect":"Perhaps","Action":"x"},{"Effect":"Allow"},
		{"Effect":"Deny","Principal":"*","NotPrincipal":"*","Action":"x","Resource":"*","NotResource":"*"}]}`))
	for _, want := range []string{`statement A: effect "Perhaps"`, "statement 2: needs either", "statement 3: both Principal", "both Resource"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	for _, bad := range []string{``, `{}`, `{"Statement":[]}`, `{"Statement":[{"Effect":"Allow","Action":"x","Actions":"y"}]}`,
		`{"Statement":{"Effect":"Allow","Action":"x","Principal":"arn:aws:iam::1:root"}}`, `{"Statement":{"Effect":"Allow","Action":{}}}`,
		`{"Statement":{"Effect":"Allow","Action":"x"}} {}`, strings.Repeat(" ", MaxSize+1)} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("accepted %.80q", bad)
		}
	}
}

func TestApplies(t *testing.T) {
	context := map[string]string{"kms:SigningAlgorithm": "ECDSA_SHA_384", "kms:ScheduleKeyDeletionPendingWindowInDays": "7", "aws:PrincipalArn": "arn:x"}
	for condition, want := range map[string]Verdict{
		`{}`: Yes,
		`{"StringEquals":{"kms:SigningAlgorithm":"ECDSA_SHA_384"}}`:                              Yes,
		`{"StringEquals":{"KMS:signingalgorithm":["A","ECDSA_SHA_384"]}}`:                        Yes,
		`{"StringEquals":{"kms:SigningAlgorithm":"ECDSA_SHA_256"}}`:                              No,
		`{"StringNotEquals":{"kms:SigningAlgorithm":["A","B"]}}`:                                 Yes,
		`{"StringNotEquals":{"kms:SigningAlgorithm":["A","ECDSA_SHA_384"]}}`:                     No,
		`{"StringLike":{"kms:SigningAlgorithm":"ECDSA_*"}}`:                                      Yes,
		`{"ArnNotLike":{"aws:PrincipalArn":"arn:*"}}`:                                            No,
		`{"NumericLessThan":{"kms:ScheduleKeyDeletionPendingWindowInDays":"30"}}`:                Yes,
		`{"NumericGreaterThanEquals":{"kms:ScheduleKeyDeletionPendingWindowInDays":30}}`:         No,
		`{"NumericNotEquals":{"kms:ScheduleKeyDeletionPendingWindowInDays":"7"}}`:                No,
		`{"StringEquals":{"aws:SourceVpce":"v"}}`:                                                Perhaps,
		`{"StringEquals":{"aws:SourceVpce":"v"},"ArnLike":{"aws:PrincipalArn":"arn:y"}}`:         No,
		`{"IpAddress":{"aws:PrincipalArn":"10.0.0.0/8"}}`:                                        Perhaps,
		`{"NumericLessThan":{"kms:ScheduleKeyDeletionPendingWindowInDays":"thirty"}}`:            Perhaps,
		`{"StringEqualsIfExists":{"aws:SourceVpce":"v","kms:SigningAlgorithm":"ECDSA_SHA_384"}}`: Perhaps,
	} {
		var s Statement
		if err := json.Unmarshal([]byte(condition), &s.Condition); err != nil {
			t.Fatal(err)
		}
		s.Effect = Allow
		if got := s.Judge(context); got != want {
			t.Errorf("%s: judged %d", condition, got)
		}
		if want == Perhaps {
			continue
		}
		if got := s.Applies(context); got != (want == Yes) {
			t.Errorf("%s: applies %v", condition, got)
		}
	}
}

func TestApplies_MissingAndUnknown(t *testing.T) {
	for condition, want := range map[string]struct{ allow, deny bool }{
		`{"StringEquals":{"missing":"x"}}`:         {false, false},
		`{"StringNotEquals":{"missing":"x"}}`:      {true, true},
		`{"StringEqualsIfExists":{"missing":"x"}}`: {true, true},
		`{"Mystery":{"missing":"x"}}`:              {false, true},
		`{"Mystery":{"here":"x"}}`:                 {false, true},
	} {
		var c Conditions
		if err := json.Unmarshal([]byte(condition), &c); err != nil {
			t.Fatal(err)
		}
		context := map[string]string{"here": "x"}
		if got := (Statement{Effect: Allow, Condition: c}).Applies(context); got != want.allow {
			t.Errorf("%s: an Allow applies: %v", condition, got)
		}
		if got := (Statement{Effect: Deny, Condition: c}).Applies(context); got != want.deny {
			t.Errorf("%s: a Deny applies: %v", condition, got)
		}
	}
}

func TestMeans(t *testing.T) {
	for principal, want := range map[string]Match{
		`"Principal":"*"`:         ByName,
		`"Principal":{"AWS":"*"}`: ByName,
		`"Principal":{"AWS":["arn:aws:iam::1:role/other","r"]}`: ByName,
		`"Principal":{"AWS":"arn:aws:iam::1:root"}`:             ByAccount,
		`"Principal":{"AWS":"1"}`:                               ByAccount,
		`"Principal":{"AWS":["1","r"]}`:                         ByName,
		`"Principal":{"AWS":"2"}`:                               NotMeant,
		`"Principal":{"Service":"r"}`:                           NotMeant,
		`"NotPrincipal":{"AWS":"r"}`:                            NotMeant,
		`"NotPrincipal":{"AWS":"other"}`:                        ByName,
		`"Sid":"identity policy"`:                               NotMeant,
	} {
		var s Statement
		if err := json.Unmarshal([]byte("{"+principal+"}"), &s); err != nil {
			t.Fatal(err)
		}
		if got := s.Means("1", "session", "r"); got != want {
			t.Errorf("%s: %d", principal, got)
		}
	}
}

// FuzzGlob holds that Glob agrees with path.Match, where that has the same
// language: no slash, bracket or backslash.
func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("*", "")
	f.Add("**a", "ba")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if strings.ContainsAny(pattern+s, `/[]\`) || len(pattern) > 50 || len(s) > 50 || !ascii(pattern+s) {
			return
		}
		want, err := path.Match(pattern, s)
		if err != nil {
			return
		}
		if got := Glob(pattern, s); got != want {
			t.Errorf("Glob(%q, %q) = %v", pattern, s, got)
		}
	})
}

func ascii(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0 }

// FuzzParse holds that an accepted document, written out, is accepted again
// and means the same, and that judging it never panics.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}`,
		`{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["1"]},"NotAction":["kms:Sign"],"NotResource":"x","Condition":{"NumericLessThan":{"a":1},"Bool":{"b":true}}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Parse(data)
		if err != nil {
			return
		}
		out, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if len(out) > MaxSize {
			return // escapes may lengthen it
		}
		again, err := Parse(out)
		if err != nil || !same(doc, again) {
			t.Errorf("%s became %s: %v", data, out, err)
		}
		context := map[string]string{"a": "1", "b": "true"}
		for _, s := range doc.Statement {
			if s.Judge(context) == Yes && !s.Applies(context) {
				t.Errorf("judged to apply, and does not: %s", data)
			}
			s.Means("1", "x")
			s.Covers("kms:Sign")
			s.OnResource("x")
		}
		doc.Names()
	})
}

// same compares what the documents write: an empty list is left out.
func same(a, b Document) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
