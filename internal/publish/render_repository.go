package publish

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/pki/tuf"
)

// maxAtOnce is how much of a file compress/flate gives in one read, in bytes.
// policy-controller (0.13, pkg/tuf UncompressMemFS) asks once for each file of
// the archive, and takes the rest for zeros.
const maxAtOnce = 32 << 10

// readRepository packs the repository for policy-controller, and refuses one of
// which it would read a part.
func (c *consumed) readRepository(d *trustdir.Dir) (err error) {
	c.Repository, err = packRepository(d, func(file string, data []byte) error {
		if len(data) <= maxAtOnce || path.Dir(file) != trustdir.RepositoryDir && !strings.HasSuffix(file, tuf.TrustedRootName) {
			return nil // it reads the metadata and this target
		}
		return fault.New(fault.Failure, "render policy-controller, which has it fetch the repository, and serve a mirror in the cluster",
			fmt.Errorf("%s has more than %d bytes, of which policy-controller reads no more from a packed repository", file, maxAtOnce))
	})
	return err
}

// PackRepository packs the published TUF repository as a tar.gz with everything
// below "repository/", in the order of names and without times: for places
// without network, and the form that policy-controller takes as a mirror. Each
// file's content begins a gzip member, so that one read gives all of it.
func PackRepository(d *trustdir.Dir) ([]byte, error) {
	return packRepository(d, func(string, []byte) error { return nil })
}

func packRepository(d *trustdir.Dir, check func(file string, data []byte) error) ([]byte, error) {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	t := tar.NewWriter(z)
	files := 0
	err := fs.WalkDir(d.FS(), trustdir.RepositoryDir, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(d.FS(), file)
		if err == nil {
			err = check(file, data)
		}
		if err != nil {
			return err
		}
		files++
		name := "repository" + strings.TrimPrefix(file, trustdir.RepositoryDir)
		if err := t.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		z.Reset(&out)
		_, err = t.Write(data)
		return err
	})
	if err == nil && files == 0 || errors.Is(err, fs.ErrNotExist) {
		err = fault.New(fault.Failure, "publish the repository first", errNoTUFRoot)
	}
	err = errors.Join(err, t.Close(), z.Close())
	return out.Bytes(), err
}

// readSPIFFE lists the roots that X.509 SVIDs chain to. A compromised one is
// left out, since a bundle has no window.
func (c *consumed) readSPIFFE(d *trustdir.Dir) error {
	for _, g := range d.State.Authorities[plan.RootAuthority] {
		if !g.Live() {
			continue
		}
		cert, err := g.Certificate.File.Certificate(d.FS())
		if err != nil {
			return err
		}
		key, err := jwkOf(cert)
		if err != nil {
			return err
		}
		c.SPIFFEKeys = append(c.SPIFFEKeys, key)
	}
	if len(c.SPIFFEKeys) == 0 {
		return errors.New("the ledger has no root certificate")
	}
	return nil
}

func jwkOf(cert *x509.Certificate) (spiffeKey, error) {
	pub, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return spiffeKey{}, fmt.Errorf("the root's key is not ECDSA but %T", cert.PublicKey)
	}
	point, err := pub.Bytes()
	if err != nil {
		return spiffeKey{}, err
	}
	half := (len(point) - 1) / 2
	encode := base64.RawURLEncoding.EncodeToString
	return spiffeKey{pub.Curve.Params().Name, encode(point[1 : 1+half]), encode(point[1+half:]), base64.StdEncoding.EncodeToString(cert.Raw)}, nil
}
