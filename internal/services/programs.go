package services

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Versions that were tried with these flags.
const (
	fulcioVersion    = "v1.8.8"
	tsaVersion       = "v2.1.3"
	rekorVersion     = "v2.3.0"
	tesseractVersion = "v0.1.1"
)

func fulcio(s *Source, name string, a plan.Authority, g ledger.Generation) (Service, error) {
	key, keyErr := kmsKey(a.Generations, g.Number)
	ca, chainErr := s.authority(g, CheckFulcioChain)
	ct, ctKey, ctErr := ctLog(s)
	config, oidcErr := fulcioConfig(s.Plan.OIDC, s.Plan.CIProviders)
	if err := errors.Join(keyErr, chainErr, ctErr, oidcErr); err != nil {
		return Service{}, err
	}
	return Service{
		Name: name, Program: Fulcio, Version: fulcioVersion, Generation: g.Number, Key: key, Early: ca.early, Port: 5555,
		Arguments: []string{"serve", "--ca", "kmsca", "--kms-resource", key, "--kms-cert-chain-path", "{dir}/chain.pem",
			"--ct-log-url", ct.URL, "--ct-log-public-key-path", "{dir}/ct.pub",
			"--config-path", "{dir}/fulcio.yaml", "--host", "{host}", "--port", "5555", "--grpc-host", "{host}", "--grpc-port", "5554",
			"--metrics-port", "2113"},
		Variables: []string{"AWS_REGION"},
		Files:     map[string][]byte{"chain.pem": ca.chain, "ct.pub": ctKey, "fulcio.yaml": config},
		Notes: []string{"it takes no other key than ct.pub for the CT log's: when that log gets a new key, start both together",
			"serves metrics on port 2113 of every address"},
	}, nil
}

// ctLog is the CT log that Fulcio submits to, in its newest generation: the
// plan's only one, or the one that says so.
func ctLog(s *Source) (*ledger.Log, []byte, error) {
	var names []string
	for name, l := range s.Plan.Logs {
		if l.Submit {
			names = []string{name}
			break
		}
		if l.Kind == plan.StaticCT {
			names = append(names, name)
		}
	}
	if len(names) != 1 {
		return nil, nil, fmt.Errorf("Fulcio submits to one CT log, the plan has %d: write submit: true at the one", len(names)) //nolint:staticcheck // a name
	}
	g := ledger.Newest(s.State.Logs[names[0]])
	if g == nil {
		return nil, nil, fmt.Errorf("the ledger has no key of CT log %s", names[0])
	}
	key, _, err := s.checkpointKey(*g)
	return g.Log, key, err
}

func tsa(s *Source, name string, a plan.Authority, g ledger.Generation) (Service, error) {
	key, keyErr := kmsKey(a.Generations, g.Number)
	own, chainErr := s.authority(g, CheckTSAChain)
	if err := errors.Join(keyErr, chainErr); err != nil {
		return Service{}, err
	}
	return Service{
		Name: name, Program: TSA, Version: tsaVersion, Generation: g.Number, Key: key, Early: own.early, Port: 3004,
		Arguments: []string{"serve", "--timestamp-signer", "kms", "--kms-key-resource", key, "--timestamp-signer-hash", SignerHash(own.key),
			"--certificate-chain-path", "{dir}/chain.pem", "--disable-ntp-monitoring", "--host", "{host}", "--port", "3004"},
		Variables: []string{"AWS_REGION"},
		Files:     map[string][]byte{"chain.pem": own.chain},
		Notes:     []string{"serves metrics on port 2112 of every address", "NTP monitoring is off: let the host keep its clock, with chrony for instance"},
	}, nil
}

// SignerHash is the hash that a timestamp server must be told for its key:
// with another one it starts, and answers every request with an error.
func SignerHash(pub *ecdsa.PublicKey) string {
	if pub.Curve == elliptic.P384() {
		return "sha384"
	}
	return "sha256"
}

func rekor(s *Source, name string, l plan.Log, g ledger.Generation) (Service, error) {
	key, keyErr := kmsKey(l.Generations, g.Number)
	data, early, dataErr := logKey(s, g)
	at, urlErr := checkURL(l, g)
	if err := errors.Join(keyErr, dataErr, urlErr); err != nil {
		return Service{}, err
	}
	service := Service{
		Name: name, Program: Rekor, Version: rekorVersion, Generation: g.Number, Key: key, Early: early, Port: 3000,
		Arguments: []string{"serve", "--hostname", at.Hostname(), "--signer-kmskey", key, "--signer-kmshash", "sha256",
			"--aws-bucket", "${REKOR_BUCKET}", "--aws-mysql-dsn", "${REKOR_MYSQL_DSN}",
			"--http-address", "{host}", "--http-port", "3000", "--grpc-address", "{host}", "--grpc-port", "3001", "--http-metrics-port", "2114"},
		Variables: []string{"AWS_REGION", "REKOR_BUCKET", "REKOR_MYSQL_DSN"},
		Files:     map[string][]byte{"key.pub": data},
		Notes: []string{"this is the aws build: the posix build takes a key file only",
			"it takes entries and serves none: have the bucket's checkpoint and tile/ served below " + strings.TrimSuffix(g.Log.URL, "/") + "/api/v2/",
			"the server takes the database's DSN as a flag only, so its password shows in the process list"},
	}
	err := witnessed(s, &service, name, g, "--witness-policy-path")
	return service, err
}

func tesseract(s *Source, name string, l plan.Log, g ledger.Generation) (Service, error) {
	data, early, dataErr := logKey(s, g)
	at, urlErr := checkURL(l, g)
	roots, rootErr := ctRoots(s)
	if err := errors.Join(dataErr, urlErr, rootErr); err != nil {
		return Service{}, err
	}
	arguments := []string{"-private_key", "{dir}/private/key.pem", "-origin", g.Log.Origin, "-roots_pem_file", "{dir}/roots.pem",
		"-storage_dir", "/var/lib/" + name, "-http_endpoint", "{host}:6962", "-logtostderr"}
	if prefix := strings.Trim(at.Path, "/"); prefix != "" {
		arguments = append(arguments, "-path_prefix", prefix)
	}
	key, err := kmsKey(l.Generations, g.Number)
	if err != nil {
		key = "" // a file of its own is as good to upstream's build
	}
	service := Service{
		Name: name, Program: TesseraCT, Version: tesseractVersion, Generation: g.Number, Key: key, Early: early, Port: 6962, Arguments: arguments,
		Files: map[string][]byte{"roots.pem": roots, "key.pub": data},
		Notes: []string{"no upstream build of TesseraCT takes a key in KMS: put the private key of key.pub, as SEC1 EC PRIVATE KEY, at private/key.pem, " +
			"or build a program of your own over TesseraCT's library with a KMS signer",
			"it takes entries and serves none: have checkpoint, tile/ and issuer/ of its folder served below " + strings.TrimSuffix(g.Log.URL, "/") + "/"},
	}
	err = witnessed(s, &service, name, g, "-witness_policy_file", "-witness_timeout", "5s")
	return service, err
}

// logKey reads the public key of a log that is to sign: P-256, and published.
func logKey(s *Source, g ledger.Generation) ([]byte, time.Time, error) {
	data, pub, err := s.checkpointKey(g)
	if err != nil {
		return nil, time.Time{}, err
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, time.Time{}, err
	}
	early, err := s.fetchable(g, der)
	return data, early, err
}

// ctRoots are the certificates that the CT log accepts chains of: every
// generation of the root.
func ctRoots(s *Source) ([]byte, error) {
	var out bytes.Buffer
	for _, g := range s.State.Authorities[plan.RootAuthority] {
		data, err := g.Certificate.File.Read(s.Files)
		if err != nil {
			return nil, err
		}
		out.Write(data)
	}
	if out.Len() == 0 {
		return nil, errors.New("the ledger has no root certificate for the log to accept")
	}
	return out.Bytes(), nil
}
