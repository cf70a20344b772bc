package room

import (
	"context"
	"regexp"
)

var (
	askShell    = regexp.MustCompile(`Type "shell" to open it:`)
	shell       = regexp.MustCompile(`ceremony# `)
	card        = regexp.MustCompile(`Yes +Yubico YubiKey CCID[\s\S]*Personal Identity Verification Card`)
	certificate = regexp.MustCompile(`Certificate for Digital Signature[\s\S]*-----BEGIN CERTIFICATE-----[\s\S]*-----END CERTIFICATE-----`)
)

// others has programs that others wrote look at the founded token through the
// guest's own USB stack, and gives the machine a network card that has a
// driver. It runs in an image of scripts/image --test.
func (r *room) others(ctx context.Context) error {
	m := r.machine("-device", "e1000,id=card")
	m.Image = r.testImage
	g, err := r.boot(ctx, m, "")
	if err != nil {
		return err
	}
	defer g.kill()
	for _, next := range []struct {
		typed string
		want  *regexp.Regexp
		shows string
	}{
		{"s", askShell, ""},
		{"shell", shell, ""},
		{"opensc-tool --list-readers; opensc-tool --name", card, "OpenSC sees one reader, with a PIV token"},
		{"pkcs15-tool --list-certificates; pkcs15-tool --read-certificate 02", certificate, "OpenSC reads the root's certificate from it"},
		{"exit", menu, ""},
	} {
		if err := g.enter(next.typed); err != nil {
			return err
		}
		if _, _, err := g.wait(patience, next.want); err != nil {
			return err
		}
		if next.shows != "" {
			say("%s", next.shows)
		}
	}
	return g.wants("a network card with a driver: refused", r.words, 2, "network interfaces are up: eth0")
}
