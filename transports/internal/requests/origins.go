package requests

import (
	"errors"
	"strings"

	"github.com/lightstream-go/lightstream/transports"
)

// Origins returns those of the parameter origin= of an end that listens for HTTP, whose pages may ask.
func Origins(u *transports.URI) ([]string, error) {
	given := u.Param("origin")
	if given == "" {
		return nil, nil
	}
	all := strings.Split(given, ",")
	for _, origin := range all {
		scheme, host, _ := strings.Cut(origin, "://")
		if origin != "*" && (scheme == "" || host == "" || strings.ContainsAny(host, "/*")) {
			return nil, u.ParamError("origin", errors.New("want origins of pages as browsers write them, https://app.example,http://localhost:3000, or * for all"))
		}
	}
	return all, nil
}

// NoOrigins refuses the parameter for an end that dials.
func NoOrigins(u *transports.URI) error {
	if u.Param("origin") != "" {
		return u.ParamError("origin", errors.New("is for the end that listens"))
	}
	return nil
}
