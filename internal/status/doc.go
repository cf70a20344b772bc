// Package status says what exists in a trust directory and what expires.
package status
