package local_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/linnemanlabs/trustroot/kms/local"
)

func start(t *testing.T, o local.Options) (*local.Server, *kms.Client) {
	t.Helper()
	s, err := local.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, sdk(s, local.AccessKeyID)
}

func sdk(s *local.Server, accessKeyID string) *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint: aws.String(s.URL()), Region: local.DefaultRegion, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(accessKeyID, local.SecretAccessKey, ""),
	})
}

func createKey(t *testing.T, c *kms.Client, spec types.KeySpec) string {
	t.Helper()
	out, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: spec, KeyUsage: types.KeyUsageTypeSignVerify})
	if err != nil {
		t.Fatal(err)
	}
	return *out.KeyMetadata.Arn
}

// code is the error code of an answer, "" for success.
func code(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("no answer of KMS: %v", err)
	}
	return e.ErrorCode()
}

func TestStart_LoopbackOnly(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "localhost:0", "127.0.0.1"} {
		if s, err := local.Start(t.Context(), local.Options{Addr: addr}); err == nil {
			t.Errorf("listens on %s", addr)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestStart_SaysWhatItIs(t *testing.T) {
	var log lockedBuffer
	s, c := start(t, local.Options{Log: &log})
	arn := createKey(t, c, types.KeySpecEccNistP256)
	if _, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("alias/none")}); code(t, err) != "NotFoundException" {
		t.Error(err)
	}
	want := "KMS stand-in for rehearsals and tests on " + s.URL() + ": keys made here are not protected\n" +
		"kms CreateKey " + arn + " 200 ok\n" +
		"kms DescribeKey alias/none 400 NotFoundException\n"
	if log.String() != want {
		t.Errorf("log %q", log.String())
	}
	calls := s.Calls()
	if len(calls) != 2 || calls[0].Action != "CreateKey" || calls[0].Key != arn ||
		calls[0].Principal != "arn:aws:iam::111122223333:user/rehearsal" || calls[1].Error != "NotFoundException" {
		t.Errorf("calls %+v", calls)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestStart_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := local.Start(ctx, local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://")); err == nil {
		t.Error("still listens", conn.Close())
	}
}

func TestSign_EverySpec(t *testing.T) {
	_, c := start(t, local.Options{})
	message := []byte("what is signed")
	for spec, digest := range map[types.KeySpec][]byte{
		types.KeySpecEccNistP256: sum256(message), types.KeySpecEccNistP384: sum384(message), types.KeySpecEccNistP521: sum512(message),
	} {
		arn := createKey(t, c, spec)
		out, err := c.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: aws.String(arn)})
		if err != nil {
			t.Fatal(err)
		}
		public, err := x509.ParsePKIXPublicKey(out.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		for kind, input := range map[types.MessageType][]byte{types.MessageTypeRaw: message, types.MessageTypeDigest: digest} {
			signed, err := c.Sign(t.Context(), &kms.SignInput{KeyId: aws.String(arn), Message: input, MessageType: kind, SigningAlgorithm: out.SigningAlgorithms[0]})
			if err != nil {
				t.Fatal(err)
			}
			if !ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), digest, signed.Signature) {
				t.Errorf("%s %s: the signature does not verify", spec, kind)
			}
			verify := &kms.VerifyInput{KeyId: aws.String(arn), Message: input, MessageType: kind, SigningAlgorithm: out.SigningAlgorithms[0], Signature: signed.Signature}
			if v, err := c.Verify(t.Context(), verify); err != nil || !v.SignatureValid {
				t.Errorf("%s %s: KMS does not verify its own signature: %v", spec, kind, err)
			}
			verify.Signature[len(verify.Signature)-1] ^= 1
			if _, err := c.Verify(t.Context(), verify); code(t, err) != "KMSInvalidSignatureException" {
				t.Errorf("%s %s: a changed signature: %v", spec, kind, err)
			}
		}
	}
}

func sum256(b []byte) []byte { s := sha256.Sum256(b); return s[:] }
func sum384(b []byte) []byte { s := sha512.Sum384(b); return s[:] }
func sum512(b []byte) []byte { s := sha512.Sum512(b); return s[:] }

func TestSign_Ed25519(t *testing.T) {
	_, c := start(t, local.Options{})
	arn := createKey(t, c, types.KeySpecEccNistEdwards25519)
	out, err := c.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: aws.String(arn)})
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("what is signed")
	raw, err := c.Sign(t.Context(), &kms.SignInput{KeyId: aws.String(arn), Message: message, SigningAlgorithm: types.SigningAlgorithmSpecEd25519Sha512})
	if err != nil || !ed25519.Verify(public.(ed25519.PublicKey), message, raw.Signature) {
		t.Errorf("Ed25519: %v", err)
	}
	if _, err := c.Sign(t.Context(), &kms.SignInput{KeyId: aws.String(arn), Message: sum512(message), MessageType: types.MessageTypeDigest,
		SigningAlgorithm: types.SigningAlgorithmSpecEd25519PhSha512}); err != nil {
		t.Errorf("Ed25519ph: %v", err)
	}
	if _, err := c.Sign(t.Context(), &kms.SignInput{KeyId: aws.String(arn), Message: sum512(message), MessageType: types.MessageTypeDigest,
		SigningAlgorithm: types.SigningAlgorithmSpecEd25519Sha512}); code(t, err) != "ValidationException" {
		t.Errorf("Ed25519 over a digest: %v", err)
	}
}

func TestSign_Refuses(t *testing.T) {
	_, c := start(t, local.Options{})
	arn := createKey(t, c, types.KeySpecEccNistP384)
	for want, in := range map[string]kms.SignInput{
		"InvalidKeyUsageException": {Message: sum256(nil), MessageType: types.MessageTypeDigest, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256},
		"ValidationException":      {Message: sum256(nil), MessageType: types.MessageTypeDigest, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha384},
		"DryRunOperationException": {Message: sum384(nil), MessageType: types.MessageTypeDigest, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha384, DryRun: aws.Bool(true)},
	} {
		in.KeyId = aws.String(arn)
		if _, err := c.Sign(t.Context(), &in); code(t, err) != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: types.KeySpecRsa2048, KeyUsage: types.KeyUsageTypeSignVerify}); code(t, err) != "UnsupportedOperationException" {
		t.Errorf("RSA: %v", err)
	}
	if _, err := c.Encrypt(t.Context(), &kms.EncryptInput{KeyId: aws.String(arn), Plaintext: []byte("x")}); code(t, err) != "UnknownOperationException" {
		t.Errorf("an action that it lacks: %v", err)
	}
	if _, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("arn:aws:kms:us-east-1:111122223333:key/x")}); code(t, err) != "NotFoundException" {
		t.Errorf("another region: %v", err)
	}
}

func TestStates(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	_, c := start(t, local.Options{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	arn := aws.String(createKey(t, c, types.KeySpecEccNistP256))
	state := func() types.KeyState {
		t.Helper()
		out, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: arn})
		if err != nil {
			t.Fatal(err)
		}
		return out.KeyMetadata.KeyState
	}
	ok := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(c.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: arn}))
	if _, err := c.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: arn}); code(t, err) != "DisabledException" || state() != types.KeyStateDisabled {
		t.Errorf("disabled: %v", err)
	}
	ok(c.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: arn}))
	if _, err := c.CancelKeyDeletion(t.Context(), &kms.CancelKeyDeletionInput{KeyId: arn}); code(t, err) != "KMSInvalidStateException" {
		t.Errorf("nothing to cancel: %v", err)
	}
	ok(c.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: arn, PendingWindowInDays: aws.Int32(7)}))
	if _, err := c.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: arn}); code(t, err) != "KMSInvalidStateException" || state() != types.KeyStatePendingDeletion {
		t.Errorf("enabled while pending deletion: %v", err)
	}
	ok(c.CancelKeyDeletion(t.Context(), &kms.CancelKeyDeletionInput{KeyId: arn}))
	if state() != types.KeyStateDisabled {
		t.Errorf("after cancelling: %s", state())
	}
	ok(c.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: arn, PendingWindowInDays: aws.Int32(7)}))
	mu.Lock()
	now = now.AddDate(0, 0, 7)
	mu.Unlock()
	if _, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: arn}); code(t, err) != "NotFoundException" {
		t.Errorf("after its last day: %v", err)
	}
}

func TestNames(t *testing.T) {
	_, c := start(t, local.Options{})
	one, two := createKey(t, c, types.KeySpecEccNistP256), createKey(t, c, types.KeySpecEccNistP256)
	alias := aws.String("alias/x")
	if _, err := c.UpdateAlias(t.Context(), &kms.UpdateAliasInput{AliasName: alias, TargetKeyId: &one}); code(t, err) != "NotFoundException" {
		t.Errorf("moved an alias that is not there: %v", err)
	}
	if _, err := c.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: alias, TargetKeyId: &one}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: alias, TargetKeyId: &two}); code(t, err) != "AlreadyExistsException" {
		t.Errorf("made an alias twice: %v", err)
	}
	if _, err := c.UpdateAlias(t.Context(), &kms.UpdateAliasInput{AliasName: alias, TargetKeyId: &two}); err != nil {
		t.Fatal(err)
	}
	out, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("arn:aws:kms:eu-west-1:111122223333:alias/x")})
	if err != nil || *out.KeyMetadata.Arn != two {
		t.Errorf("the alias points at %v (%v)", out, err)
	}
	list, err := c.ListAliases(t.Context(), &kms.ListAliasesInput{KeyId: &two})
	if err != nil || len(list.Aliases) != 1 || *list.Aliases[0].AliasName != "alias/x" {
		t.Errorf("%+v (%v)", list, err)
	}
	if _, err := c.TagResource(t.Context(), &kms.TagResourceInput{KeyId: &one, Tags: []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("1")}}}); err != nil {
		t.Fatal(err)
	}
	tags, err := c.ListResourceTags(t.Context(), &kms.ListResourceTagsInput{KeyId: &one})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].TagValue != "1" {
		t.Errorf("%+v (%v)", tags, err)
	}
	for _, bad := range []string{"x", "alias/", "alias/aws/x", "alias/a b"} {
		if _, err := c.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: &bad, TargetKeyId: &one}); code(t, err) != "InvalidAliasNameException" {
			t.Errorf("alias %q: %v", bad, err)
		}
	}
}

func TestPolicy_EnforcedForNamedPrincipals(t *testing.T) {
	s, c := start(t, local.Options{Principals: map[string]local.Principal{"NAMED": {ARN: "arn:aws:iam::444455556666:role/named"}}})
	arn := aws.String(createKey(t, c, types.KeySpecEccNistP256))
	named := sdk(s, "NAMED")
	sign := func(by *kms.Client) error {
		_, err := by.Sign(t.Context(), &kms.SignInput{KeyId: arn, Message: sum256(nil), MessageType: types.MessageTypeDigest, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})
		return err
	}
	if got := code(t, sign(named)); got != "AccessDeniedException" {
		t.Errorf("a stranger: %q", got)
	}
	put := func(statement string) error {
		_, err := c.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: arn, Policy: aws.String(
			`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["kms:*KeyPolicy","kms:Sign"],"Resource":"*"},` + statement + `]}`)})
		return err
	}
	if err := put(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:role/named"},"Action":"kms:Sign","Resource":"*",
		"Condition":{"StringEquals":{"kms:SigningAlgorithm":"ECDSA_SHA_256"}}}`); err != nil {
		t.Fatal(err)
	}
	if err := sign(named); err != nil {
		t.Errorf("named in the key policy: %v", err)
	}
	if err := put(`{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::444455556666:role/named"},"Action":"kms:Sign","Resource":"*"}`); err != nil {
		t.Fatal(err)
	}
	if got := code(t, sign(c)); got != "AccessDeniedException" {
		t.Errorf("denied by NotPrincipal: %q", got)
	}
	if got := code(t, put(`{"Effect":"Deny","Principal":"*","Action":"kms:PutKeyPolicy","Resource":"*"}`)); got != "MalformedPolicyDocumentException" {
		t.Errorf("a policy that locks out: %q", got)
	}
	if got := code(t, put(`{"Effect":"Maybe"}`)); got != "MalformedPolicyDocumentException" {
		t.Errorf("a policy that does not parse: %q", got)
	}
	out, err := c.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: arn})
	if err != nil || !strings.Contains(*out.Policy, "NotPrincipal") {
		t.Errorf("%v (%v)", out, err)
	}
	if _, err := named.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: arn}); code(t, err) != "AccessDeniedException" {
		t.Errorf("GetKeyPolicy crossed accounts: %v", err)
	}
}

func TestStateFile_OutlivesTheProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kms.json")
	first, err := local.Start(t.Context(), local.Options{StateFile: file})
	if err != nil {
		t.Fatal(err)
	}
	c := sdk(first, local.AccessKeyID)
	arn := createKey(t, c, types.KeySpecEccNistP384)
	if _, err := c.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: &arn}); err != nil {
		t.Fatal(err)
	}
	before, err := c.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: &arn})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("state file %v (%v)", info.Mode(), err)
	}
	left, err := fs.Glob(os.DirFS(filepath.Dir(file)), "*")
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	_, again := start(t, local.Options{StateFile: file})
	after, err := again.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: aws.String("alias/x")})
	if err != nil || !bytes.Equal(before.PublicKey, after.PublicKey) {
		t.Errorf("the key did not survive: %v", err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Start(t.Context(), local.Options{StateFile: file}); err == nil {
		t.Error("started on half a state file")
	}
}
