package services

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/judge"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/pki/tuf/objects"
)

// Files of the trust directory that the published ones are compared with.
const (
	localTrustedRoot   = "trust/.well-known/trusted_root.json"
	localSigningConfig = "trust/.well-known/signing-config.json"
)

// askTUF verifies the repository from the newest root in tuf/ and compares
// what it publishes with what the trust directory would.
func askTUF(ctx context.Context, q *inquiry) {
	_, anchor, err := NewestRoot(q.source.Files)
	if err != nil {
		unanswered(q, "no-root", "publish a repository first: `trustroot tuf init`", "there is no root.json to start from: %v", err)
		return
	}
	at := q.URL + "/timestamp.json"
	if _, ok := get(ctx, q, at); !ok {
		return
	}
	// a server that trickles must not hold the check for ever
	ctx, cancel := context.WithTimeout(ctx, 10*q.web.client.Timeout)
	defer cancel()
	report, err := tuf.Verify(ctx, q.URL, anchor, q.source.Now)
	if ctx.Err() != nil {
		unanswered(q, "unreachable", "look at the server and the way to it", "%s is not read within %s", shown(q.URL), 10*q.web.client.Timeout)
		return
	}
	if errors.Is(err, objects.ErrUnreachable) {
		unanswered(q, "unreachable", "look at the server and the way to it", "%v", err)
		return
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			q.mismatch("repository", "do not trust it before the cause is known: `trustroot tuf verify "+q.URL+" --root tuf/1.root.json`", "%s", line)
		}
		return
	}
	checkRoles(q, report)
	checkVersions(q, report)
	checkTargets(ctx, q, anchor, report)
}

// NewestRoot is the newest root.json that the trust directory has, and its name.
func NewestRoot(files fs.FS) (name string, data []byte, err error) {
	newest, err := newestVersion(files, "root")
	if err == nil && newest == 0 {
		err = fmt.Errorf("tuf/ has no N.root.json: %w", fs.ErrNotExist)
	}
	if err != nil {
		return "", nil, err
	}
	name = fmt.Sprintf("%d.root.json", newest)
	data, err = fs.ReadFile(files, "tuf/"+name)
	return name, data, err
}

// checkRoles notes when each role ends, and which should have been signed
// again by now. What has expired is refused before.
func checkRoles(q *inquiry, report *tuf.Report) {
	for _, role := range report.Roles {
		q.Expires = append(q.Expires, Expiry{role.Role, role.Expires.UTC()})
		if role.SignFrom.IsZero() {
			continue
		}
		online := role.Role == "snapshot" || role.Role == "timestamp"
		switch late := q.source.Now.Sub(role.SignFrom); {
		case online && late > 24*time.Hour:
			q.notice("refresh-late", "see why `trustroot tuf refresh` does not run", "%s should have been signed again on %s and expires on %s", role.Role, rfc3339(role.SignFrom), rfc3339(role.Expires))
		case !online && late > 0:
			q.notice("sign-again", "`trustroot tuf stage`, and have the holders sign", "%s expires on %s and should be signed again since %s", role.Role, rfc3339(role.Expires), rfc3339(role.SignFrom))
		}
	}
}

// checkVersions compares the versions of the roles with those in tuf/: clients
// that fetched those refuse older ones, and new clients would believe them.
func checkVersions(q *inquiry, report *tuf.Report) {
	for _, role := range report.Roles {
		here, err := newestVersion(q.source.Files, role.Role)
		switch {
		case err != nil:
			unanswered(q, "no-reference", "restore it from git", "the version of %s cannot be compared: %v", role.Role, err)
		case role.Version.Version < here:
			q.mismatch("went-back", "find out who put an old state there, then publish again: `trustroot tuf publish`",
				"it serves version %d of %s, and tuf/ has version %d: clients that have it refuse this one", role.Version.Version, role.Role, here)
		case role.Version.Version > here && here > 0 && role.Role != "snapshot" && role.Role != "timestamp":
			q.notice("directory-behind", "bring this directory up to date", "it serves version %d of %s, and tuf/ has version %d", role.Version.Version, role.Role, here)
		}
	}
}

// newestVersion is the newest version of a role that tuf/ holds, 0 for none.
func newestVersion(files fs.FS, role string) (int64, error) {
	if role == "timestamp" {
		var document struct {
			Signed struct {
				Version int64 `json:"version"`
			} `json:"signed"`
		}
		err := readJSON(files, "tuf/timestamp.json", &document)
		if errors.Is(err, fs.ErrNotExist) {
			return 0, nil
		}
		return document.Signed.Version, err
	}
	entries, err := fs.ReadDir(files, "tuf")
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, e := range entries {
		number, ok := strings.CutSuffix(e.Name(), "."+role+".json")
		if n, err := strconv.ParseInt(number, 10, 64); ok && err == nil {
			newest = max(newest, n)
		}
	}
	return newest, nil
}

// checkTargets compares the published files with the trust directory's.
func checkTargets(ctx context.Context, q *inquiry, anchor []byte, report *tuf.Report) {
	sums := map[string]string{}
	for _, t := range report.Targets {
		sums[t.Name] = t.SHA256
	}
	data, err := tuf.Fetch(ctx, q.URL, anchor, tuf.TrustedRootName, q.source.Now)
	if err != nil {
		unanswered(q, "unreachable", "ask again", "%s: %v", tuf.TrustedRootName, err)
		return
	}
	if q.published, err = canonical(data); err != nil {
		q.mismatch("trusted-root", "build and publish it again", "the published trusted_root.json: %v", err)
		return
	}
	if local, ok := local(q, localTrustedRoot); ok {
		drift(q, data, local, "stage it, have the holders sign, publish: `trustroot tuf stage`; or, if this directory is behind, bring it up to date")
	}
	if local, ok := local(q, localSigningConfig); ok {
		switch sums[tuf.SigningConfigName] {
		case digest.Hex(local):
		case "":
			q.mismatch("signing-config", "stage and publish it: `trustroot tuf stage`", "it does not publish %s, and nobody can sign by it", tuf.SigningConfigName)
		default:
			q.mismatch("signing-config", "stage and publish it: `trustroot tuf stage`", "its %s is another one than %s", tuf.SigningConfigName, localSigningConfig)
		}
	}
}

// local reads what the trust directory would publish.
func local(q *inquiry, name string) ([]byte, bool) {
	data, err := fs.ReadFile(q.source.Files, name)
	if err != nil {
		unanswered(q, "no-reference", "build it: `trustroot trusted-root build` and `trustroot signing-config build`", "there is nothing to compare with: %v", err)
		return nil, false
	}
	return data, true
}

// canonical is a trusted root as sigstore-go writes it, to look for keys in.
func canonical(data []byte) (string, error) {
	tree, err := judge.Check(data)
	if err != nil {
		return "", err
	}
	text, err := tree.MarshalJSON()
	return string(text), err
}
