package kms

import (
	"context"
	"crypto"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms/local"
)

// met checks an error that a person meets: one line, a hint, the exit code.
func met(t *testing.T, err error, code fault.Code, text, hint string) {
	t.Helper()
	switch {
	case err == nil:
		t.Error("no error")
	case strings.Contains(err.Error(), "\n"):
		t.Errorf("more than one line: %v", err)
	case fault.ExitCode(err) != int(code):
		t.Errorf("exit code %d: %v", fault.ExitCode(err), err)
	case !strings.Contains(err.Error(), text):
		t.Errorf("error %q lacks %q", err, text)
	case !strings.Contains(fault.Hint(err), hint):
		t.Errorf("hint %q lacks %q (%v)", fault.Hint(err), hint, err)
	}
}

func TestErrors_Credentials(t *testing.T) {
	s := world(t, local.Options{Principals: map[string]local.Principal{
		"OLD": {ARN: "arn:aws:iam::111122223333:user/old", Expired: true},
	}})
	k := create(t, client(t, Options{}), "alias/x", "P-256")

	as(t, s, "OLD")
	c := client(t, Options{})
	_, err := c.Key(t.Context(), k.ARN)
	met(t, err, fault.Device, "have expired", "aws sso login")
	_, err = c.Caller(t.Context())
	met(t, err, fault.Device, "have expired", "aws sso login")

	as(t, s, "NOBODY")
	_, err = client(t, Options{}).Key(t.Context(), k.ARN)
	met(t, err, fault.Device, "does not accept the credentials", "AWS_PROFILE")

	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	started := time.Now()
	_, err = client(t, Options{}).Key(t.Context(), k.ARN)
	met(t, err, fault.Device, "no AWS credentials", "AWS_ACCESS_KEY_ID")
	if waited := time.Since(started); waited > 3*time.Second {
		t.Errorf("took %s to find no credentials: the metadata service was asked", waited)
	}
}

func TestErrors_Region(t *testing.T) {
	world(t, local.Options{})
	k := create(t, client(t, Options{}), "alias/x", "P-256")
	t.Setenv("AWS_REGION", "")
	c := client(t, Options{})
	_, err := c.Key(t.Context(), "alias/x")
	met(t, err, fault.Device, "no AWS region", "AWS_REGION")
	if _, err := c.Key(t.Context(), k.ARN); err != nil {
		t.Errorf("an ARN names its region: %v", err)
	}
}

func TestErrors_OtherAccount(t *testing.T) {
	s := world(t, local.Options{Principals: map[string]local.Principal{
		"SERVICE": {ARN: "arn:aws:iam::444455556666:role/fulcio"},
	}})
	k := create(t, client(t, Options{}), "alias/x", "P-256")
	as(t, s, "SERVICE")
	c := client(t, Options{})
	_, err := c.Key(t.Context(), "alias/x")
	met(t, err, fault.Device, "not found", "write the key's ARN")
	_, err = c.Key(t.Context(), k.ARN)
	met(t, err, fault.Device, "kms:DescribeKey on resource: "+k.ARN, "the key policy lacks a statement that allows kms:DescribeKey")
	_, err = c.Create(t.Context(), CreateOptions{Alias: "alias/y", Algorithm: "P-256"})
	met(t, err, fault.Device, "CreateKey", "--key-account-role")
	_, err = c.Policy(t.Context(), k.ARN)
	met(t, err, fault.Device, "GetKeyPolicy", "--key-account-role")
}

func TestErrors_IdentityPolicy(t *testing.T) {
	s := world(t, local.Options{Principals: map[string]local.Principal{"READER": {
		ARN:    "arn:aws:iam::111122223333:role/reader",
		Policy: `{"Statement":{"Effect":"Allow","Action":["kms:DescribeKey","kms:GetPublicKey"],"Resource":"*"}}`,
	}}})
	k := create(t, client(t, Options{}), "alias/x", "P-256")
	as(t, s, "READER")
	c := client(t, Options{})
	if _, err := c.Key(t.Context(), k.ARN); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(nil)
	_, err := c.Signer(t.Context(), k).Sign(nil, digest[:], crypto.SHA256)
	met(t, err, fault.Device, "kms:Sign on resource: "+k.ARN, "the caller's own IAM policy lacks")
}

func TestErrors_ThrottledShowsProgress(t *testing.T) {
	s := world(t, local.Options{})
	var lines []string
	c := client(t, Options{Progress: func(line string) { lines = append(lines, line) }, MaxBackoff: time.Millisecond})
	k := create(t, c, "alias/x", "P-256")
	s.SetRules(local.Rules{ThrottleEvery: 2})
	if _, err := c.Key(t.Context(), k.ARN); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "throttled; attempt 2 of 8") {
		t.Errorf("progress %q", lines)
	}
	s.SetRules(local.Rules{ThrottleEvery: 1})
	_, err := c.Key(t.Context(), k.ARN)
	met(t, err, fault.Device, "throttled", "wait a minute")
}

func TestErrors_NoAnswerAndStop(t *testing.T) {
	s := world(t, local.Options{})
	c := client(t, Options{MaxBackoff: time.Millisecond})
	k := create(t, c, "alias/x", "P-256")
	s.SetRules(local.Rules{CutEvery: 1})
	_, err := c.Key(t.Context(), k.ARN)
	met(t, err, fault.Device, "no answer", "AWS_ENDPOINT_URL_KMS")
	s.SetRules(local.Rules{Latency: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Key(ctx, k.ARN); err == nil {
		t.Error("an answer that takes a minute came in 50 ms")
	}
	stop, now := context.WithCancel(t.Context())
	now()
	_, err = c.Key(stop, k.ARN)
	met(t, err, fault.Stopped, "canceled", "again")
}

func TestErrors_StateOfTheKey(t *testing.T) {
	world(t, local.Options{})
	c := client(t, Options{})
	k := create(t, c, "alias/x", "P-256")
	digest := sha256.Sum256(nil)
	sdk := sdk(t, c.options)
	if _, err := sdk.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: aws.String(k.ARN)}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Signer(t.Context(), k).Sign(nil, digest[:], crypto.SHA256)
	met(t, err, fault.Device, "the key is disabled", "enable it again")
	if _, err := sdk.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: aws.String(k.ARN)}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Signer(t.Context(), k).Sign(nil, digest[:], crypto.SHA256)
	met(t, err, fault.Device, "pending deletion", "can be cancelled")
}
