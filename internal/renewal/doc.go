// Package renewal plans the next generation of what expires, records when
// services switched, and closes the windows of the generations before.
package renewal
