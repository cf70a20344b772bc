// Package templates embeds the files that the project renders. It holds no
// logic and imports nothing of the project.
package templates

import "embed"

// FS holds every template. Paths are relative to this folder:
// "profiles/root.tpl" is the certificate profile "root".
//
//go:embed profiles/*.tpl plan/*.tmpl kms/*.tmpl report/*.tmpl services/*.tmpl consumers/*.tmpl portal/*.html systemd/*.tmpl
var FS embed.FS
