module schedules

go 1.25.7

require github.com/robfig/cron/v3 v3.0.1
