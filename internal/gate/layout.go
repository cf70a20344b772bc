package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/digest"
)

// Limits of an OCI layout: a manifest has a few kilobytes, and an image a few
// bundles.
const (
	maxManifest  = 4 << 20
	maxManifests = 1024
	maxNested    = 4
)

// descriptor points at a blob, by the OCI image specification.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType"`
	Annotations  map[string]string `json:"annotations"`
}

// manifest is an image's manifest or an index, as far as the gate reads them.
type manifest struct {
	ArtifactType string       `json:"artifactType"`
	Config       descriptor   `json:"config"`
	Layers       []descriptor `json:"layers"`
	Manifests    []descriptor `json:"manifests"`
	Subject      *descriptor  `json:"subject"`
}

// bundleType begins the media type of a Sigstore bundle, as cosign and oras
// attach one.
const bundleType = "application/vnd.dev.sigstore.bundle"

// layout is a folder in the OCI image layout.
type layout struct {
	dir       string
	manifests map[string]manifest // by digest
	top       []string            // digests that index.json names and that refer to nothing
}

// ReadLayout reads the image and its bundles from a folder in the OCI image
// layout: the image that the digest names, or the only one. Bundles are those
// that refer to it. Layers are not hashed here: whoever unpacks the image holds
// them against its manifest.
func ReadLayout(dir, digest string) (Artifact, []Bundle, error) {
	l := &layout{dir: dir, manifests: map[string]manifest{}}
	data, err := courier.ReadFile(filepath.Join(dir, "index.json"), maxManifest)
	if err != nil {
		return Artifact{}, nil, fmt.Errorf("read the OCI layout: %w", err)
	}
	var index manifest
	if err := json.Unmarshal(data, &index); err != nil {
		return Artifact{}, nil, fmt.Errorf("%s: index.json: %w", dir, err)
	}
	if err := l.walk(index, 0); err != nil {
		return Artifact{}, nil, fmt.Errorf("%s: %w", dir, err)
	}
	if digest == "" {
		if len(l.top) != 1 {
			return Artifact{}, nil, fmt.Errorf("%s holds %d images: name one with --digest", dir, len(l.top))
		}
		digest = l.top[0]
	}
	if _, ok := l.manifests[digest]; !ok {
		return Artifact{}, nil, fmt.Errorf("%s does not hold %s", dir, digest)
	}
	a, err := FromDigest(digest)
	if err != nil {
		return Artifact{}, nil, err
	}
	a.Name = dir + "@" + digest
	bundles, err := l.referrers(digest)
	return a, bundles, err
}

// walk reads every manifest below an index.
func (l *layout) walk(index manifest, depth int) error {
	if depth > maxNested {
		return errors.New("indexes stand in each other too deep")
	}
	for _, d := range index.Manifests {
		if _, known := l.manifests[d.Digest]; known {
			continue
		}
		if len(l.manifests) == maxManifests {
			return fmt.Errorf("more than %d manifests", maxManifests)
		}
		data, err := l.blob(d, maxManifest)
		if err != nil {
			return err
		}
		var m manifest
		if err := json.Unmarshal(data, &m); err != nil {
			return fmt.Errorf("%s: %w", d.Digest, err)
		}
		l.manifests[d.Digest] = m
		// an index that is tagged by a digest lists referrers where a registry cannot
		list := strings.HasPrefix(d.Annotations["org.opencontainers.image.ref.name"], "sha256-")
		if depth == 0 && m.Subject == nil && !list {
			l.top = append(l.top, d.Digest)
		}
		if err := l.walk(m, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// blob reads a blob and holds it against its digest.
func (l *layout) blob(d descriptor, limit int64) ([]byte, error) {
	name, ok := strings.CutPrefix(d.Digest, "sha256:")
	if !ok || !hexDigest.MatchString(name) {
		return nil, fmt.Errorf("%q is not a SHA-256 digest", d.Digest)
	}
	data, err := courier.ReadFile(filepath.Join(l.dir, "blobs", "sha256", name), limit)
	if err != nil {
		return nil, err
	}
	if digest.Hex(data) != name {
		return nil, fmt.Errorf("the blob %s has other bytes than its digest says", d.Digest)
	}
	return data, nil
}

// referrers are the bundles that refer to a manifest.
func (l *layout) referrers(digest string) ([]Bundle, error) {
	var bundles []Bundle
	for at, m := range l.manifests {
		if m.Subject == nil || m.Subject.Digest != digest {
			continue
		}
		for _, layer := range m.Layers {
			if !strings.HasPrefix(layer.MediaType, bundleType) {
				continue
			}
			data, err := l.blob(layer, maxBundle)
			if err != nil {
				return nil, fmt.Errorf("%s: a bundle of %s: %w", l.dir, at, err)
			}
			bundles = append(bundles, Bundle{Path: l.dir + "@" + layer.Digest, Data: data})
		}
	}
	sortBundles(bundles)
	return bundles, nil
}
