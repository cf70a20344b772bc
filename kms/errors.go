package kms

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// ErrNotFound is in the chain of an error about a key or alias that does not
// exist where it was looked for.
var ErrNotFound = errors.New("key not found")

// ErrDenied is in the chain of an error about a call that policies refuse.
var ErrDenied = errors.New("access denied")

// explain puts an SDK error into one line and a hint. action is "kms:Sign".
func (c *Client) explain(action string, r Ref, err error) error {
	if err == nil {
		return nil
	}
	name, _ := strings.CutPrefix(action, "kms:")
	say := func(hint, format string, args ...any) error {
		what := name
		if r.Resource != "" {
			what += " " + r.String()
		}
		return fault.New(fault.Device, hint, fmt.Errorf("%s: %w", what, fmt.Errorf(format, args...)))
	}
	if errors.Is(err, context.Canceled) {
		return fault.New(fault.Stopped, "run the same command again", fmt.Errorf("%s: %w", name, context.Canceled))
	}
	code, message := "", oneLine(err.Error())
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		code, message = e.ErrorCode(), oneLine(e.ErrorMessage())
	}
	switch code {
	case "ExpiredTokenException", "ExpiredToken", "RequestExpired":
		return say("log in again (aws sso login) or export fresh credentials", "the AWS credentials have expired")
	case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
		"MissingAuthenticationTokenException", "MissingAuthenticationToken", "IncompleteSignature":
		return say("check AWS_PROFILE, the access key and its secret, and the clock of this host", "AWS does not accept the credentials: %s", message)
	case "AccessDeniedException", "AccessDenied":
		if strings.Contains(message, "sts:AssumeRole") {
			action = "sts:AssumeRole" // what the call needed first
		}
		return say(deniedHint(action, message), "%w: %s", ErrDenied, message)
	}
	if isThrottle(err) {
		return say("wait a minute and run the same command again", "throttled, and still after every retry: %s", message)
	}
	switch code {
	case "DisabledException":
		return say("have an administrator of the key account enable it again, if disabling it was not meant", "the key is disabled")
	case "KMSInvalidStateException":
		return say("look at the key's state with `trustroot kms list`; a pending deletion can be cancelled until its day", "the key's state does not allow it: %s", message)
	case "InvalidKeyUsageException":
		return say("use a key of usage SIGN_VERIFY and an ECC_NIST spec", "the key is not made for this: %s", message)
	case "MalformedPolicyDocumentException":
		return say("name an administrator that may change the policy later, and principals that exist", "KMS refuses the key policy: %s", message)
	case "NotFoundException":
		return say(notFoundHint(r, c.region), "%w: %s", ErrNotFound, message)
	}
	if ce, ok := errors.AsType[*credentialsError](err); ok {
		return say("set AWS_PROFILE, or AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or log in (aws sso login)",
			"no AWS credentials: %s", oneLine(ce.Error()))
	}
	if code == "" {
		return say("check the network, AWS_REGION and AWS_ENDPOINT_URL_KMS", "no answer from KMS: %s", message)
	}
	return say("", "%s: %s", code, message)
}

func deniedHint(action, message string) string {
	switch {
	case strings.HasPrefix(action, "sts:"):
		return "the role's trust policy must name this caller, and the caller's IAM policy must allow sts:AssumeRole"
	case strings.Contains(message, "resource-based policy") && strings.Contains(message, "explicit deny"):
		return "the key policy denies " + action + " to this caller: use the credentials that the policy names"
	case strings.Contains(message, "resource-based policy"):
		return "the key policy lacks a statement that allows " + action + " to this caller: `trustroot kms policy` prints the right one"
	case strings.Contains(message, "identity-based policy"):
		return "the caller's own IAM policy lacks a statement that allows " + action + " on this key: `trustroot kms policy` prints the right one"
	case strings.Contains(message, "does not cross accounts"):
		return action + " does not cross accounts: name a role in the key account with --key-account-role"
	}
	return "allow " + action + " in the key policy and, from another account, in the caller's IAM policy too"
}

func notFoundHint(r Ref, region string) string {
	switch {
	case r.IsAlias() && !r.IsARN():
		return "an alias name is looked up in the caller's own account and region: across accounts write the key's ARN"
	case !r.IsARN():
		return "a key ID is looked up in the caller's own account and region: across accounts write the key's ARN"
	case r.Region != region && region != "":
		return "the ARN names region " + r.Region + ", the caller is in " + region + ": check which is meant"
	}
	return "check account, region and ID in the ARN; the key may have been deleted"
}

// oneLine keeps an error that AWS or the SDK worded within one line.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 600 {
		s = s[:600] + "…"
	}
	return s
}
