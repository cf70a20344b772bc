package app

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/ledger"
)

func encodeLogID(id [32]byte) string { return base64.StdEncoding.EncodeToString(id[:]) }

// AddLog enters the newest generation of a log's exported key into the ledger.
func (d *Directory) AddLog(name string, now time.Time) (ledger.Log, error) {
	log, ok := d.Plan.Logs[name]
	if !ok {
		return ledger.Log{}, fault.New(fault.Usage, "name a log of the plan", fmt.Errorf("the plan has no log %s", name))
	}
	g := newest(log.Generations)
	path := generationDir("logs", name, g.Generation) + "/key.pem"
	data, err := fs.ReadFile(d.FS(), path)
	if err != nil {
		return ledger.Log{}, fault.New(fault.Failure, "export the key first with `trustroot kms export "+name+"`", fmt.Errorf("read %s: %w", path, err))
	}
	pub, err := pki.ParsePublicKey(data)
	if err != nil {
		return ledger.Log{}, fmt.Errorf("%s: %w", path, err)
	}
	key, err := checkpoint.New(log.Kind, log.Origin, pub)
	if err != nil {
		return ledger.Log{}, fmt.Errorf("%s: %w", path, err)
	}
	id := key.LogID()
	if err := checkPin(name, g, hex.EncodeToString(id[:])); err != nil {
		return ledger.Log{}, err
	}
	start := now
	if g.Start != nil {
		start = g.Start.UTC()
	}
	entry := ledger.Log{
		Name: name, Generation: g.Generation, Kind: log.Kind, Origin: log.Origin, URL: log.URL,
		LogID: hex.EncodeToString(id[:]), Start: start, File: fileOf(path, data),
	}
	return entry, d.append(now, ledger.Entry{Log: &entry})
}

func fileOf(path string, data []byte) ledger.File {
	sum := sha256.Sum256(data)
	return ledger.File{Path: path, SHA256: hex.EncodeToString(sum[:])}
}
