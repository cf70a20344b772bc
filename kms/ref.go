package kms

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Ref names a KMS key in one of the forms that people have: a key ID, an
// alias, or an ARN of either.
type Ref struct {
	Partition string // "aws"; empty for a bare key ID or alias
	Region    string // "eu-west-1"; empty likewise
	Account   string // 12 digits; empty likewise
	Resource  string // "key/ID" or "alias/NAME"
}

const (
	uriScheme = "awskms://"
	maxAlias  = len("alias/") + 250 // bytes
)

var (
	arnPattern   = regexp.MustCompile(`^arn:(aws[a-z-]*):kms:([a-z]{2}[a-z-]*-[0-9]+):([0-9]{12}):(key/.+|alias/.+)$`)
	keyPattern   = regexp.MustCompile(`^key/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)
	aliasPattern = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`)
)

// ParseRef reads a key reference: "arn:aws:kms:…:key/…", "arn:aws:kms:…:alias/…",
// "alias/x", a key ID, and each of these as Sigstore writes it,
// "awskms:///…". A URI whose scheme stands there twice is normalised. One with
// a host is refused: the endpoint comes from the environment, and Sigstore's
// client would take the host for it.
func ParseRef(s string) (Ref, error) {
	const forms = "write the key's ARN (arn:aws:kms:REGION:ACCOUNT:key/ID), an alias ARN, alias/NAME, or one of these after awskms:///"
	refuse := func(hint string, err error) (Ref, error) {
		return Ref{}, fault.New(fault.Usage, hint, fmt.Errorf("key reference %q: %w", clip(s), err))
	}
	if len(s) > 2048 {
		return refuse(forms, errors.New("too long"))
	}
	name := strings.TrimSpace(s)
	for strings.HasPrefix(name, uriScheme) {
		rest := strings.TrimPrefix(name, uriScheme)
		host, path, hasPath := strings.Cut(rest, "/")
		switch {
		case host == "":
			name = path
		case strings.HasPrefix(rest, "arn:") || strings.HasPrefix(rest, "alias/") || keyPattern.MatchString("key/"+rest):
			return refuse("write "+uriScheme+"/"+rest, errors.New("an awskms URI has three slashes before the key"))
		case !hasPath || path == "":
			return refuse(forms, errors.New("no key"))
		default:
			return refuse("write "+uriScheme+"/"+path+" and name the endpoint in AWS_ENDPOINT_URL_KMS",
				fmt.Errorf("the URI names the host %q", host))
		}
	}
	r := Ref{Resource: name}
	switch m := arnPattern.FindStringSubmatch(name); {
	case m != nil:
		r = Ref{Partition: m[1], Region: m[2], Account: m[3], Resource: m[4]}
	case strings.HasPrefix(name, "arn:"):
		return refuse(forms, errors.New("not the ARN of a KMS key or alias"))
	case !strings.HasPrefix(name, "alias/"):
		r.Resource = "key/" + strings.TrimPrefix(name, "key/")
	}
	if !keyPattern.MatchString(r.Resource) && (len(r.Resource) > maxAlias || !aliasPattern.MatchString(r.Resource)) {
		return refuse(forms, errors.New("neither a key ID nor an alias"))
	}
	return r, nil
}

func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

// IsAlias reports whether the reference is an alias, which can be repointed.
func (r Ref) IsAlias() bool { return strings.HasPrefix(r.Resource, "alias/") }

// IsARN reports whether the reference names its account, as it must to cross
// accounts.
func (r Ref) IsARN() bool { return r.Account != "" }

// ID is the key ID without "key/"; empty for an alias.
func (r Ref) ID() string {
	id, isKey := strings.CutPrefix(r.Resource, "key/")
	if !isKey {
		return ""
	}
	return id
}

// String is the form that the KMS API takes.
func (r Ref) String() string {
	if r.IsARN() {
		return "arn:" + r.Partition + ":kms:" + r.Region + ":" + r.Account + ":" + r.Resource
	}
	return strings.TrimPrefix(r.Resource, "key/")
}

// URI is the form that Sigstore's tools take, "awskms:///…".
func (r Ref) URI() string { return uriScheme + "/" + r.String() }
