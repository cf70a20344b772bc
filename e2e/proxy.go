package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// proxy is a forward proxy that knows the plan's names and no other: it ends
// TLS under an authority that is thrown away afterwards, and hands each request
// to the handler of its host. The plan's URLs so stay what they are, ports
// included, and nothing leaves the machine.
type proxy struct {
	url, authority string // its URL; the file of its authority's certificate
	mu             sync.Mutex
	routes         map[string]http.Handler
	refused        []string // hosts that somebody asked for
	front, back    *http.Server
}

// startProxy serves on loopback and writes its authority into a file.
func startProxy(authority string) (*proxy, error) {
	p := &proxy{authority: authority, routes: map[string]http.Handler{}}
	config, err := p.certify()
	if err != nil {
		return nil, err
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	outer, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.url = "http://" + outer.Addr().String()
	p.back = &http.Server{Handler: http.HandlerFunc(p.route), TLSConfig: config, ReadHeaderTimeout: 10 * time.Second}
	p.front = &http.Server{Handler: p.connect(inner.Addr().String()), ReadHeaderTimeout: 10 * time.Second}
	go p.back.ServeTLS(inner, "", "") //nolint:errcheck // it ends with close
	go p.front.Serve(outer)           //nolint:errcheck // it ends with close
	return p, nil
}

func (p *proxy) close() {
	_ = p.front.Close()
	_ = p.back.Close()
}

// set has the proxy hand a host's requests to h.
func (p *proxy) set(host string, h http.Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.routes[host] = h
}

func (p *proxy) handler(host string) http.Handler {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.routes[host]
	if h == nil && !slices.Contains(p.refused, host) {
		p.refused = append(p.refused, host)
	}
	return h
}

// strangers are the hosts that were asked for and refused.
func (p *proxy) strangers() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.refused)
}

func (p *proxy) route(w http.ResponseWriter, r *http.Request) {
	h := p.handler(r.Host)
	if h == nil {
		http.Error(w, "no route to "+r.Host, http.StatusBadGateway)
		return
	}
	h.ServeHTTP(w, r)
}

// connect answers CONNECT by joining the client to the TLS side.
func (p *proxy) connect(inner string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || p.handler(r.Host) == nil {
			_ = p.handler(r.Host)
			http.Error(w, "no route to "+r.Host, http.StatusBadGateway)
			return
		}
		far, err := net.Dial("tcp", inner)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		near, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			_ = far.Close()
			return
		}
		_, _ = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() {
			_, _ = io.Copy(far, buffered)
			_ = far.Close()
		}()
		_, _ = io.Copy(near, far)
		_ = near.Close()
	}
}

// certify makes the authority, writes its certificate, and certifies each host
// when it is asked for.
func (p *proxy) certify() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "e2e proxy"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	leaf := func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName == "" {
			return nil, fmt.Errorf("no name was asked for")
		}
		host := &x509.Certificate{
			SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: hello.ServerName}, DNSNames: []string{hello.ServerName},
			NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		der, err := x509.CreateCertificate(rand.Reader, host, ca, key.Public(), key)
		if err != nil {
			return nil, err
		}
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
	}
	return &tls.Config{GetCertificate: leaf, MinVersion: tls.VersionTLS12}, nil
}
