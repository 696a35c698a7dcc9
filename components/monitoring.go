package components

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// MonitoringSettings are how both accounts are watched.
type MonitoringSettings struct {
	// Enabled is whether there is any of it.
	Enabled bool
	// Subscriptions are told of alarms: email addresses and https URLs.
	Subscriptions []string
	// TrailBucketName is the bucket that CloudTrail writes to.
	TrailBucketName string
	// TrailRetentionDays is how long it keeps what CloudTrail writes.
	TrailRetentionDays int
	// ClientErrors is how many refused requests to the bucket in five minutes are an alarm.
	ClientErrors int
}

var (
	// What it takes to be an address, no more: whether somebody reads it, only the confirmation tells.
	emailForm    = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[^\s@]+$`)
	httpsURLForm = regexp.MustCompile(`^https://[^\s/]+\S*$`)
)

// monitoring reads the settings of monitoring.
func (r *reader) monitoring() MonitoringSettings {
	s := MonitoringSettings{
		Enabled:            r.boolean("monitoring"),
		Subscriptions:      r.subscriptions("alarmSubscriptions"),
		TrailBucketName:    r.text("trailBucketName"),
		TrailRetentionDays: r.integer("trailRetentionDays", 1, 36500, "days"),
		ClientErrors:       r.integer("alarmClientErrors", 1, 1_000_000, "requests in five minutes"),
	}
	bucketName := r.text("bucketName")
	switch {
	case s.TrailBucketName == "":
		s.TrailBucketName = bucketName + "-trail"
		if s.Enabled && !bucketNameForm.MatchString(s.TrailBucketName) && bucketNameForm.MatchString(bucketName) {
			r.refuse("trailBucketName", "", "a bucket name, because bucketName is too long to put -trail behind it")
		}
	case s.TrailBucketName == bucketName:
		r.refuse("trailBucketName", s.TrailBucketName, "another bucket than bucketName: whoever may write to that one could forge records")
	default:
		r.bucketName("trailBucketName")
	}
	return s
}

func (r *reader) subscriptions(key string) []string {
	text := r.text(key)
	var subscriptions []string
	if err := json.Unmarshal([]byte(text), &subscriptions); err != nil {
		r.refuse(key, text, "a list of email addresses and https URLs")
		return nil
	}
	for i, endpoint := range subscriptions {
		if !emailForm.MatchString(endpoint) && !httpsURLForm.MatchString(endpoint) {
			r.refuse(fmt.Sprintf("%s[%d]", key, i), endpoint, "an email address or an https URL")
		} else if slices.Contains(subscriptions[:i], endpoint) {
			r.refuse(fmt.Sprintf("%s[%d]", key, i), endpoint, "named only once")
		}
	}
	return subscriptions
}

// Place is an account and a region, which ARNs are made of.
type Place struct {
	// Partition is as aws, Region as us-east-1, AccountID has twelve digits.
	Partition, Region, AccountID string
}

// arn is the ARN of something in the place.
func (p Place) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", p.Partition, service, p.Region, p.AccountID, resource)
}

// Place is where the stack's side is deployed.
func (s *Settings) Place() Place {
	account := s.ComputeAccountID
	if s.Side == Data {
		account = s.DataAccountID
	}
	return Place{Partition: s.Access.Partition, Region: s.Region, AccountID: account}
}

var separators = regexp.MustCompile(`[^A-Za-z0-9]+`)

// watchName names what watches something after it, in the letters that topics, dashboards and trails have in common: CloudTrail takes no
// two separators side by side, and neither of the others a dot.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html
func watchName(watched, what string) string {
	return strings.Trim(separators.ReplaceAllString(watched, "-"), "-") + "-" + what
}
