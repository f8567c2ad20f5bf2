-- A fleet as it is after a year of backups: hosts that share repositories, each with jobs spread over the year up to now and
-- with the snapshots that the last of them left. What the server computes from these rows is left for it to compute.
--
-- The table `size` says how many: `hosts`, `jobs` and `snapshots` of each host, and `present`, the time in microseconds.

INSERT INTO repositories (id, name, name_key, url, url_canonical, username, restic_id, created_at, version)
WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 49)
SELECT unhex(printf('01900000000070008002%012x', n)), 'backup-' || n, 'backup-' || n,
       'rest:https://backup-' || n || '.example.org/fleet', 'rest:https://backup-' || n || '.example.org/fleet', '',
       lower(printf('%064x', n + 1)), present - 31536000000000, 1
FROM n, size;

-- One in five is a server of one kind; one in 250 is silent, one in 300 has just been enrolled and one in 700 has no restic.
INSERT INTO hosts (id, hostname, hostname_key, restic_host, enrolled_at, tags, always_on, limit_upload_kib_s,
    limit_download_kib_s, version, status, status_since, last_seen_at, boot_id, protocol_version, clock_skew_micros, inventory,
    session_epoch, desired_version, applied_version, applied, last_backup_at, last_backup_code, snapshot_count,
    running_job_id, health, health_reason, urgency, health_cause, health_since, recent_runs, last_success_at)
WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n, size WHERE n + 1 < hosts),
named AS (
    SELECT n, printf('%s-%05d', CASE n % 5 WHEN 0 THEN 'web' WHEN 1 THEN 'db' WHEN 2 THEN 'app' WHEN 3 THEN 'nas' ELSE 'ci' END, n)
        AS name
    FROM n
)
SELECT unhex(printf('01900000000070008001%012x', n)), name, name, name, present - 31536000000000,
       CASE WHEN n % 3 = 0 THEN '["prod"]' WHEN n % 3 = 1 THEN '["prod","' || substr(name, 1, 2) || '"]' ELSE '[]' END,
       1, 0, 0, 1, iif(n % 250 = 9, 'offline', 'online'),
       present - iif(n % 250 = 9, 90000000000, 604800000000), present - iif(n % 250 = 9, 90000060000, 4000000), NULL, 1, 2000,
       '{"hostname":"' || name || '","os":"linux","os_version":"Debian GNU/Linux 12 (bookworm)","arch":"x86_64",'
       || '"kernel":"6.1.0-18-amd64","time_zone":"Europe/Berlin","agent_version":"0.1.0",'
       || iif(n % 700 = 5, '', '"restic_version":"0.18.0","restic_path":"/usr/bin/restic",')
       || '"cpu_count":4,"memory":8589934592}',
       1, 0, 0, '{}', NULL, NULL, 0, NULL, 'pending', '', 0, '', NULL, '', NULL
FROM named, size;

INSERT INTO host_repositories (host_id, repository_id, is_default, status, detail, snapshot_list, snapshots_refreshed_at,
    snapshot_count, found_restic_id, found_at)
WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n, size WHERE n + 1 < hosts)
SELECT unhex(printf('01900000000070008001%012x', n)), unhex(printf('01900000000070008002%012x', n % 50)), 1, 'ready', '',
       unhex(printf('01900000000070008004%012x', n)), present - 10800000000, iif(n % 300 = 11, 0, snapshots), NULL, NULL
FROM n, size;

-- The last backup of one host in 400 failed and that of one in 100 left files out; of the earlier ones, one in 97 failed.
INSERT INTO jobs (id, host_id, repository_id, kind, source_group_id, paths, actor, actor_name, attempt, created_at,
    cancel_requested, phase, facts, started_at, finished_at, result_code, version, log_lines, log_bytes, log_truncated,
    log_removed_at, log_written, mode)
WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n, size WHERE n + 1 < hosts),
k(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM k, size WHERE k + 1 < jobs),
run AS (
    SELECT n, k, present - 10800000000 - (n % 3600) * 6000000 - k * (31536000000000 / jobs) AS began,
           CASE WHEN k = 0 AND n % 400 = 7 OR k > 0 AND (n * 31 + k) % 97 = 0 THEN 'repo_locked'
                WHEN k = 0 AND n % 100 = 3 THEN 'issues'
                ELSE 'ok' END AS code
    FROM size, n, k
    WHERE n % 300 <> 11
)
SELECT unhex(printf('01900000000070008003%012x', n * 4096 + k)), unhex(printf('01900000000070008001%012x', n)),
       unhex(printf('01900000000070008002%012x', n % 50)), 'backup', NULL, '["/etc","/home","/srv"]', '{"kind":"system"}',
       'system', 1, began, NULL,
       CASE code WHEN 'ok' THEN 'succeeded' WHEN 'issues' THEN 'warning' ELSE 'failed' END,
       CASE code
           WHEN 'repo_locked' THEN
               '{"cause":{"code":"repo_locked","exit_code":11,"message":"repository is already locked by PID 4121 on web-00007"},'
               || '"finished_at":"' || strftime('%Y-%m-%dT%H:%M:%fZ', (began + 60000000) / 1e6, 'unixepoch') || '",'
               || '"started_at":"' || strftime('%Y-%m-%dT%H:%M:%fZ', (began + 1000000) / 1e6, 'unixepoch') || '"}'
           ELSE
               '{' || iif(code = 'issues',
                   '"problems":{"count":1,"first":[{"item":"/srv/private","message":"permission denied"}]},', '')
               || '"finished_at":"' || strftime('%Y-%m-%dT%H:%M:%fZ', (began + 60000000) / 1e6, 'unixepoch') || '",'
               || '"started_at":"' || strftime('%Y-%m-%dT%H:%M:%fZ', (began + 1000000) / 1e6, 'unixepoch') || '",'
               || '"summary":{"bytes_added":97424,"bytes_packed":68928,"bytes_processed":85692,"dirs_changed":0,"dirs_new":8,'
               || '"dirs_unmodified":0,"duration":{"nanos":616134445,"secs":58},"files_changed":0,"files_new":27,'
               || '"files_processed":27,"files_unmodified":0,"kind":"backup","snapshot":"'
               || lower(printf('%064x', n * 4096 + k)) || '"}' || '}'
       END,
       began + 1000000, began + 60000000, code, 7, 0, 0, 0, NULL, NULL, NULL
FROM run;

INSERT INTO snapshots (host_id, repository_id, list_id, id, time, restic_host, paths, tags, size_bytes, file_count,
    program_version)
WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n, size WHERE n + 1 < hosts),
k(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM k, size WHERE k + 1 < snapshots)
SELECT unhex(printf('01900000000070008001%012x', n)), unhex(printf('01900000000070008002%012x', n % 50)),
       unhex(printf('01900000000070008004%012x', n)), lower(printf('%064x', n * 4096 + k)),
       present - 10800000000 - (n % 3600) * 6000000 - k * (31536000000000 / jobs), 'host', '["/etc","/home","/srv"]', '[]',
       85692, 27, 'restic 0.18.0'
FROM size, n, k
WHERE n % 300 <> 11;
