package tuf

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/linnemanlabs/trustroot/internal/strict"
)

const (
	nonceSize       = 32
	maxChallenge    = 4 << 10
	maxProof        = 64 << 10
	maxRepository   = 200
	maxAttestations = 4
)

// Challenge invites one holder to prove that a key is theirs. The admin keeps
// it and sends a copy.
type Challenge struct {
	Version    int       `json:"version"`    // 1
	Repository string    `json:"repository"` // the organisation or the URL that the key will sign for
	Holder     string    `json:"holder"`
	Nonce      string    `json:"nonce"` // hex, 32 bytes
	Expires    time.Time `json:"expires"`
}

// NewChallenge makes a challenge that holds for lifetime.
func NewChallenge(repository, holder string, now time.Time, lifetime time.Duration) (*Challenge, error) {
	var nonce [nonceSize]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nil, fmt.Errorf("make challenge: %w", err)
	}
	c := &Challenge{
		Version: 1, Repository: repository, Holder: holder,
		Nonce: hex.EncodeToString(nonce[:]), Expires: now.UTC().Truncate(time.Second).Add(lifetime),
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("make challenge: %w", err)
	}
	return c, nil
}

func (c Challenge) check() error {
	var errs []error
	if c.Version != 1 {
		errs = append(errs, fmt.Errorf("version %d: this program reads 1", c.Version))
	}
	if c.Repository == "" || len(c.Repository) > maxRepository {
		errs = append(errs, fmt.Errorf("repository: 1 to %d bytes are needed", maxRepository))
	}
	if !holderName.MatchString(c.Holder) {
		errs = append(errs, fmt.Errorf("holder %.80q: use letters, digits and ._@+- in a name", c.Holder))
	}
	if raw, err := hex.DecodeString(c.Nonce); err != nil || len(raw) != nonceSize {
		errs = append(errs, fmt.Errorf("nonce: %d bytes in hex are needed", nonceSize))
	}
	if c.Expires.IsZero() {
		errs = append(errs, errors.New("expires: missing"))
	}
	return errors.Join(errs...)
}

// Encode writes the challenge as a file.
func (c Challenge) Encode() ([]byte, error) { return strict.Indented(c) }

// ParseChallenge reads what Encode wrote.
func ParseChallenge(data []byte) (*Challenge, error) {
	var c Challenge
	if err := readFile(data, maxChallenge, &c); err != nil {
		return nil, fmt.Errorf("read challenge: %w", err)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("read challenge: %w", err)
	}
	return &c, nil
}

func readFile(data []byte, limit int, into any) error {
	if len(data) > limit {
		return fmt.Errorf("%d bytes, at most %d", len(data), limit)
	}
	return strict.JSON(data, into)
}
