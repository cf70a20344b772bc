package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	monitorv1 "github.com/sigstore/protobuf-specs/gen/pb-go/monitor/v1"
	trustrootv1 "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// message reads a form strictly: a field that the schema does not know is an
// error, and one added must be, or nothing was judged.
func message(forms, name string, into proto.Message) error {
	data, err := os.ReadFile(filepath.Join(forms, name))
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(data, into); err != nil {
		return err
	}
	wrong := bytes.Replace(data, []byte("{"), []byte(`{"nobodyHasThis": true,`), 1)
	if protojson.Unmarshal(wrong, proto.Clone(into)) == nil {
		return errors.New("a field that nobody has is taken")
	}
	return nil
}

func trustConfig(forms string, _ []string) error {
	config := &trustrootv1.ClientTrustConfig{}
	if err := message(forms, "clienttrustconfig.json", config); err != nil {
		return err
	}
	const mediaType = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
	if config.GetMediaType() != mediaType {
		return fmt.Errorf("the media type is %q", config.GetMediaType())
	}
	trusted, err := root.NewTrustedRootFromProtobuf(config.GetTrustedRoot())
	if err != nil {
		return err
	}
	signing, err := root.NewSigningConfigFromProtobuf(config.GetSigningConfig())
	if err != nil {
		return err
	}
	if len(trusted.FulcioCertificateAuthorities()) == 0 || len(trusted.TimestampingAuthorities()) == 0 || len(trusted.RekorLogs()) == 0 || len(trusted.CTLogs()) == 0 {
		return errors.New("a kind of authority or log is absent")
	}
	for kind, services := range map[string][]root.Service{"CA": signing.FulcioCertificateAuthorityURLs(), "log": signing.RekorLogURLs(), "TSA": signing.TimestampAuthorityURLs()} {
		if len(services) == 0 {
			return fmt.Errorf("a signer finds no %s", kind)
		}
	}
	return nil
}

// monitored compares the logs that a monitor reads with those that the gh form's
// own trusted root has open.
func monitored(forms string, _ []string) error {
	config := &monitorv1.MonitorConfig{}
	if err := message(forms, "monitor.json", config); err != nil {
		return err
	}
	trust := &trustrootv1.ClientTrustConfig{}
	if err := message(forms, "clienttrustconfig.json", trust); err != nil {
		return err
	}
	for kind, c := range map[string]struct {
		logs []*trustrootv1.TransparencyLogInstance
		read []*monitorv1.TransparencyLogMonitorConfig
		api  uint32
	}{
		"Rekor": {trust.GetTrustedRoot().GetTlogs(), config.GetRekorLogs(), 2},
		"CT":    {trust.GetTrustedRoot().GetCtlogs(), config.GetCtLogs(), 0},
	} {
		watched := map[string]bool{}
		for _, l := range c.read {
			if l.GetLogOrigin() == "" || l.GetMajorApiVersion() != c.api {
				return fmt.Errorf("a %s log with the origin %q and version %d", kind, l.GetLogOrigin(), l.GetMajorApiVersion())
			}
			watched[l.GetReadUrl()] = true
		}
		for _, l := range c.logs {
			if l.GetPublicKey().GetValidFor().GetEnd() == nil && !watched[strings.TrimSuffix(l.GetBaseUrl(), "/")] {
				return fmt.Errorf("nobody watches the %s log %s", kind, l.GetBaseUrl())
			}
		}
	}
	return nil
}
