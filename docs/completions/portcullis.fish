# Written by `cargo test -p portcullis reference`. Edits are lost.
complete -c portcullis -f
complete -c portcullis -s '?' -s 'h' -d 'this help'
complete -c portcullis -s 'v' -d 'show version and exit'
complete -c portcullis -s 'V' -d 'show version and configure options then exit'
complete -c portcullis -s 't' -d 'test configuration and exit'
complete -c portcullis -s 'T' -d 'test configuration, dump it and exit'
complete -c portcullis -s 'q' -d 'suppress non-error messages during configuration testing'
complete -c portcullis -s 's' -d 'send signal to a master process: stop, quit, reopen, reload' -x -a 'stop quit reopen reload'
complete -c portcullis -s 'p' -d 'set prefix path' -x -a '(__fish_complete_directories)'
complete -c portcullis -s 'e' -d 'set error log file' -r -F
complete -c portcullis -s 'c' -d 'set configuration file' -r -F
complete -c portcullis -s 'g' -d 'set global directives out of configuration file' -x
complete -c portcullis -l explain -d 'explain a directive or a block and exit' -x -a 'accept_mutex accept_mutex_delay auth_http auth_http_header auth_http_keepalive auth_http_pass_client_cert auth_http_ssl_certificate auth_http_ssl_certificate_key auth_http_ssl_name auth_http_ssl_trusted_certificate auth_http_ssl_verify auth_http_timeout daemon debug_connection debug_points env error_log events http imap_auth imap_capabilities imap_client_buffer include listen load_module lock_file mail master_process max_commands max_errors multi_accept pcre_jit pid pop3_auth pop3_capabilities pop3_client_buffer protocol proxy proxy_buffer proxy_connect_timeout proxy_pass proxy_pass_error_message proxy_protocol proxy_smtp_auth proxy_smtp_helo proxy_ssl proxy_ssl_certificate proxy_ssl_certificate_key proxy_ssl_ciphers proxy_ssl_conf_command proxy_ssl_crl proxy_ssl_name proxy_ssl_password_file proxy_ssl_protocols proxy_ssl_server_name proxy_ssl_session_reuse proxy_ssl_trusted_certificate proxy_ssl_verify proxy_ssl_verify_depth proxy_timeout resolver resolver_timeout server server_name set_real_ip_from smtp_auth smtp_capabilities smtp_client_buffer smtp_greeting_delay ssl ssl_certificate ssl_certificate_compression ssl_certificate_key ssl_ciphers ssl_client_certificate ssl_conf_command ssl_crl ssl_dhparam ssl_ecdh_curve ssl_engine ssl_object_cache_inheritable ssl_password_file ssl_prefer_server_ciphers ssl_protocols ssl_session_cache ssl_session_ticket_key ssl_session_tickets ssl_session_timeout ssl_trusted_certificate ssl_verify_client ssl_verify_depth starttls stream thread_pool timeout timer_resolution use user worker_aio_requests worker_connections worker_cpu_affinity worker_priority worker_processes worker_rlimit_core worker_rlimit_nofile worker_shutdown_timeout working_directory xclient'
complete -c portcullis -l dump-config -d 'test configuration, print what holds in each server and exit'
complete -c portcullis -l help -d 'show all options and exit'
