package cmdutil

import (
	"strings"

	"github.com/spf13/cobra"
)

// examples are a line or two for each command, under its path below the program.
var examples = map[string]string{ //nolint:gosec // no secret among them
	"adopt":                    "adopt old/*.crt old/*.pub old/trusted_root.json",
	"audit check":              "audit check pack",
	"audit pack":               "audit pack pack",
	"ceremony accept":          "ceremony accept /media/stick/2026-11-02-founding",
	"ceremony anchor":          "ceremony anchor ceremonies/2026-11-02-founding",
	"ceremony report":          "ceremony report ceremonies/2026-11-02-founding --out report.html",
	"ceremony run":             "ceremony run /media/stick/0001-founding.tar --serial 10000001 --out /media/stick",
	"ceremony script":          "ceremony script /media/stick/0001-founding.tar --out script.html",
	"ceremony verify":          "ceremony verify ceremonies/2026-11-02-founding",
	"ceremony witness":         "ceremony witness /media/stick/2026-11-02-founding --serial 20000001 --slot 9a",
	"compromise":               `compromise tsa --since 2027-03-01T04:00:00Z --reason "the account was broken into"`,
	"cutover":                  "cutover fulcio tsa --at 2029-04-01T12:00:00Z",
	"init":                     "init --organization example.com --domain example.com",
	"kms create":               "kms create --write",
	"kms csr":                  "kms csr\nkms csr fulcio",
	"kms export":               "kms export\nkms export --check baked-in.pub rekor",
	"kms list":                 "kms list\nkms list --pin --write",
	"kms policy":               "kms policy\nkms policy fulcio --only key-policy",
	"ledger adopt":             `ledger adopt --reason "published from a backup on 2027-03-01, and signed for since"`,
	"ledger give-up":           `ledger give-up staged/0003 --reason "staged from an old clone"`,
	"ledger show":              "ledger show",
	"ledger verify":            "ledger verify",
	"log add":                  "log add rekor",
	"log key":                  "log key rekor.pub --origin rekor.example.com",
	"material inspected":       "material inspected inspection.json",
	"material record":          `material record "token 20000001" sealed --bag A1042 --by Alice --by Bob --where "safe 1"`,
	"material show":            "material show",
	"next":                     "next\nnext --as holder",
	"plan check":               "plan check",
	"plan schema":              "plan schema >pki.schema.json",
	"prepare":                  "prepare\nprepare --out /media/stick",
	"promote":                  "promote",
	"rehearse":                 "rehearse --out rehearsal",
	"rehearse bundle":          "rehearse bundle",
	"rehearse compromise":      "rehearse compromise tsa --out rehearsal",
	"rehearse cutover":         "rehearse cutover --out rehearsal",
	"rehearse renew":           "rehearse renew --out rehearsal",
	"renew":                    "renew fulcio --write --ceremony renewal-2028 --day 2028-11-06 --token 10000001",
	"request create":           "request create --ceremony founding --out /media/stick",
	"request key":              "request key spire --csr spire.csr",
	"request show":             "request show /media/stick/0001-founding.tar",
	"retire":                   "retire deploy",
	"services check":           "services check\nservices check --url rekor=http://127.0.0.1:3000",
	"services render":          "services render all --out services",
	"signing-config build":     "signing-config build",
	"signing-config lint":      "signing-config lint trust/.well-known/signing-config.json",
	"status":                   "status\nstatus --within 90d",
	"token adopt":              "token adopt --serial 10000001 --slot 9c",
	"token attest":             "token attest --serial 10000001 --slot 9c --out attestation",
	"token change-pin":         "token change-pin --serial 10000001",
	"token change-puk":         "token change-puk --serial 10000001",
	"token generate":           "token generate --serial 20000001 --slot 9a",
	"token import":             "token import --serial 10000001 --serial 10000002",
	"token info":               "token info --serial 10000001",
	"token inspect":            `token inspect --serial 10000001 --by Alice --by Bob --bag-opened A1042 --bag-closed A1043 --where "safe 1"`,
	"token list":               "token list",
	"token protect":            "token protect --serial 10000001",
	"token provision":          "token provision --serial 10000001 --for-root --split-pin",
	"token reset":              "token reset --serial 30000001",
	"token retries":            "token retries --serial 10000001 --pin-retries 5 --puk-retries 5",
	"token sign-test":          "token sign-test --serial 10000001 --slot 9c",
	"token unblock":            "token unblock --serial 10000001",
	"token verify-attestation": "token verify-attestation --slot-cert attestation/slot.pem --device-cert attestation/device.pem --serial 10000001",
	"token virtual":            "token virtual --state token.json",
	"trust render":             "trust render policy-controller",
	"trusted-root build":       "trusted-root build",
	"trusted-root check":       "trusted-root check --all",
	"trusted-root diff":        "trusted-root diff old.json trust/.well-known/trusted_root.json",
	"trusted-root lint":        "trusted-root lint trusted_root.json",
	"trusted-root show":        "trusted-root show trusted_root.json --svg timeline.svg",
	"tuf bundle":               "tuf bundle --out tuf.tar",
	"tuf init":                 "tuf init",
	"tuf invite":               "tuf invite alice",
	"tuf join":                 "tuf join challenge.json --serial 20000001 --out alice.json\ntuf join --accept alice.json",
	"tuf merge":                "tuf merge staged/0002",
	"tuf publish":              "tuf publish staged/0002",
	"tuf refresh":              "tuf refresh\ntuf refresh --systemd /etc/systemd/system",
	"tuf sign":                 "tuf sign staged/0002 --serial 20000001",
	"tuf stage":                "tuf stage",
	"tuf verify":               "tuf verify https://tuf.example.com --root 1.root.json",
	"version":                  "version --json",
	"verify":                   "verify app --policy policy.yaml",
}

// addExamples gives each command its example, as it is typed for this program.
func addExamples(c *cobra.Command) {
	program, path, _ := strings.Cut(c.CommandPath(), " ")
	if text := examples[path]; text != "" && !c.HasSubCommands() || path == "rehearse" {
		c.Example = program + " " + strings.ReplaceAll(text, "\n", "\n"+program+" ")
	}
	for _, sub := range c.Commands() {
		addExamples(sub)
	}
}
