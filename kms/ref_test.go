package kms

import (
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

const (
	anID  = "1234abcd-12ab-34cd-56ef-1234567890ab"
	anARN = "arn:aws:kms:eu-west-1:111122223333:key/" + anID
)

func TestParseRef_Forms(t *testing.T) {
	for in, want := range map[string]string{
		anARN:            anARN,
		anID:             anID,
		"key/" + anID:    anID,
		"alias/fulcio":   "alias/fulcio",
		" alias/fulcio ": "alias/fulcio",
		"arn:aws:kms:eu-west-1:111122223333:alias/fulcio":                       "arn:aws:kms:eu-west-1:111122223333:alias/fulcio",
		"arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/fulcio":            "arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/fulcio",
		"awskms:///alias/trustroot/logs/rekor/g1":                               "alias/trustroot/logs/rekor/g1",
		"awskms:///" + anARN:                                                    anARN,
		"awskms:///" + anID:                                                     anID,
		"awskms:///awskms:///" + anARN:                                          anARN,
		"arn:aws:kms:eu-west-1:111122223333:key/mrk-" + strings.Repeat("a", 32): "arn:aws:kms:eu-west-1:111122223333:key/mrk-" + strings.Repeat("a", 32),
	} {
		r, err := ParseRef(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if r.String() != want || r.URI() != "awskms:///"+want {
			t.Errorf("%q became %q", in, r)
		}
	}
}

func TestParseRef_RefusesAndShowsTheForm(t *testing.T) {
	for in, hint := range map[string]string{
		"":                                      "arn:aws:kms:",
		"fulcio":                                "alias/NAME",
		"awskms://" + anARN:                     "awskms:///" + anARN,
		"awskms://alias/fulcio":                 "awskms:///alias/fulcio",
		"awskms://" + anID:                      "awskms:///" + anID,
		"awskms://localhost:4566/alias/fulcio":  "awskms:///alias/fulcio and name the endpoint in AWS_ENDPOINT_URL_KMS",
		"awskms://kms.eu-west-1.amazonaws.com/": "alias/NAME",
		"awskms:///":                            "alias/NAME",
		"gcpkms://projects/x":                   "alias/NAME",
		"arn:aws:s3:::bucket":                   "arn:aws:kms:",
		"arn:aws:kms:eu-west-1:1:key/" + anID:   "arn:aws:kms:",
		"arn:aws:kms:eu-west-1:111122223333:key/alias/x": "arn:aws:kms:",
		"alias/" + strings.Repeat("x", 3000):             "alias/NAME",
	} {
		_, err := ParseRef(in)
		if err == nil {
			t.Errorf("%q was accepted", in)
			continue
		}
		if !strings.Contains(fault.Hint(err), hint) || fault.ExitCode(err) != int(fault.Usage) {
			t.Errorf("%q: exit code %d, hint %q", in, fault.ExitCode(err), fault.Hint(err))
		}
		if len(err.Error()) > 400 {
			t.Errorf("%q: an error of %d bytes", in[:20], len(err.Error()))
		}
	}
}

// FuzzParseRef holds that an accepted reference, written as itself or as a
// URI, is accepted again and means the same.
func FuzzParseRef(f *testing.F) {
	for _, s := range []string{anARN, anID, "alias/x", "awskms:///alias/x", "awskms://host:1/alias/x", "awskms:///awskms:///" + anARN, "arn:aws:kms:::key/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRef(s)
		if err != nil {
			return
		}
		for _, form := range []string{r.String(), r.URI()} {
			again, err := ParseRef(form)
			if err != nil || again != r {
				t.Errorf("%q became %+v, and its form %q %+v (%v)", s, r, form, again, err)
			}
		}
	})
}

func TestParseRef_AliasUpToItsLength(t *testing.T) {
	longest := "alias/" + strings.Repeat("x", 250)
	if _, err := ParseRef(longest); err != nil {
		t.Errorf("an alias of 250 characters: %v", err)
	}
	if _, err := ParseRef(longest + "x"); err == nil {
		t.Error("an alias of 251 characters was accepted")
	}
}
