package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Settings are the bounds of the function. They come from its environment, which only a deployment can change, because an event
// is written by whoever may invoke the function.
//
//	BUCKETS       the buckets it may use, separated by commas; required
//	BUCKET_OWNER  the account that has to own them, 12 digits; required
//	KEY_PREFIX    what every key has to begin with; empty or absent for any key
//	OVERSIZE      what happens with an object that does not fit a response: presign (default) or refuse
//	PRESIGN_TTL   how long a presigned URL is valid, as a Go duration up to 12h; 15m by default
//
// The region and the credentials are AWS_REGION and those that Lambda sets.
type Settings struct {
	Buckets    []string
	Owner      string
	KeyPrefix  string
	Refuse     bool
	PresignTTL time.Duration
}

// A URL signed with temporary credentials ends with them at the latest, and those of a role last 12 hours at most
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html).
const longestPresign = 12 * time.Hour

var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
)

// readSettings reads the settings from the environment that get looks up. The error names each variable that is wrong, its value
// and what is allowed.
func readSettings(get func(string) string) (Settings, error) {
	var problems []error
	wrong := func(variable, allowed string) {
		problems = append(problems, fmt.Errorf("environment variable %s is %q, expected %s", variable, get(variable), allowed))
	}

	settings := Settings{Owner: get("BUCKET_OWNER"), KeyPrefix: get("KEY_PREFIX"), PresignTTL: 15 * time.Minute}
	for name := range strings.SplitSeq(get("BUCKETS"), ",") {
		name = strings.TrimSpace(name)
		if !bucketName.MatchString(name) {
			wrong("BUCKETS", "names of buckets, separated by commas")
			break
		}
		settings.Buckets = append(settings.Buckets, name)
	}
	if !accountID.MatchString(settings.Owner) {
		wrong("BUCKET_OWNER", "an account id of 12 digits")
	}
	switch get("OVERSIZE") {
	case "", "presign":
	case "refuse":
		settings.Refuse = true
	default:
		wrong("OVERSIZE", `"presign" or "refuse"`)
	}
	if text := get("PRESIGN_TTL"); text != "" {
		ttl, err := time.ParseDuration(text)
		if err != nil || ttl < time.Second || ttl > longestPresign {
			wrong("PRESIGN_TTL", "a duration from 1s to 12h, as 15m")
		}
		settings.PresignTTL = ttl
	}
	if get("AWS_REGION") == "" {
		wrong("AWS_REGION", "the region of the function, which Lambda sets")
	}
	return settings, errors.Join(problems...)
}
