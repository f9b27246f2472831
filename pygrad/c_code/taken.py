"""Words that C, C++ and the headers of C's standard library mean something by.

>>> from pygrad.c_code.taken import is_taken
>>> [name for name in ("NAN", "expf", "int64_t", "while", "malloc", "loss") if is_taken(name)]
['NAN', 'expf', 'int64_t', 'while', 'malloc']
"""

from __future__ import annotations

import re

# Keywords, and what the headers declare and define, here or there.
_WORDS = frozenset(
    """
    ADJ_ESTERROR ADJ_FREQUENCY ADJ_MAXERROR ADJ_MICRO ADJ_NANO ADJ_OFFSET ADJ_OFFSET_SINGLESHOT
    ADJ_OFFSET_SS_READ ADJ_SETOFFSET ADJ_STATUS ADJ_TAI ADJ_TICK ADJ_TIMECONST
    AIO_PRIO_DELTA_MAX ATOMIC_BOOL_LOCK_FREE ATOMIC_CHAR16_T_LOCK_FREE ATOMIC_CHAR32_T_LOCK_FREE
    ATOMIC_CHAR_LOCK_FREE ATOMIC_FLAG_INIT ATOMIC_INT_LOCK_FREE ATOMIC_LLONG_LOCK_FREE
    ATOMIC_LONG_LOCK_FREE ATOMIC_POINTER_LOCK_FREE ATOMIC_SHORT_LOCK_FREE ATOMIC_VAR_INIT
    ATOMIC_WCHAR_T_LOCK_FREE BC_BASE_MAX BC_DIM_MAX BC_SCALE_MAX BC_STRING_MAX BIG_ENDIAN
    BOOL_MAX BOOL_WIDTH BUFSIZ BYTE_ORDER CHARCLASS_NAME_MAX CHAR_BIT CHAR_MAX CHAR_MIN
    CHAR_WIDTH CLOCKS_PER_SEC CLOCK_BOOTTIME CLOCK_BOOTTIME_ALARM CLOCK_MONOTONIC
    CLOCK_MONOTONIC_COARSE CLOCK_MONOTONIC_RAW CLOCK_PROCESS_CPUTIME_ID CLOCK_REALTIME
    CLOCK_REALTIME_ALARM CLOCK_REALTIME_COARSE CLOCK_TAI CLOCK_THREAD_CPUTIME_ID
    CLONE_CHILD_CLEARTID CLONE_CHILD_SETTID CLONE_DETACHED CLONE_FILES CLONE_FS CLONE_IO
    CLONE_NEWCGROUP CLONE_NEWIPC CLONE_NEWNET CLONE_NEWNS CLONE_NEWPID CLONE_NEWTIME
    CLONE_NEWUSER CLONE_NEWUTS CLONE_PARENT CLONE_PARENT_SETTID CLONE_PIDFD CLONE_PTRACE
    CLONE_SETTLS CLONE_SIGHAND CLONE_SYSVSEM CLONE_THREAD CLONE_UNTRACED CLONE_VFORK CLONE_VM
    CMPLX CMPLXF CMPLXF128 CMPLXF32 CMPLXF32X CMPLXF64 CMPLXF64X CMPLXL COLL_WEIGHTS_MAX
    CPU_ALLOC CPU_ALLOC_SIZE CPU_AND CPU_AND_S CPU_CLR CPU_CLR_S CPU_COUNT CPU_COUNT_S CPU_EQUAL
    CPU_EQUAL_S CPU_FREE CPU_ISSET CPU_ISSET_S CPU_OR CPU_OR_S CPU_SET CPU_SETSIZE CPU_SET_S
    CPU_XOR CPU_XOR_S CPU_ZERO CPU_ZERO_S CSIGNAL DECIMAL_DIG DELAYTIMER_MAX E2BIG EACCES
    EADDRINUSE EADDRNOTAVAIL EADV EAFNOSUPPORT EAGAIN EALREADY EBADE EBADF EBADFD EBADMSG EBADR
    EBADRQC EBADSLT EBFONT EBUSY ECANCELED ECHILD ECHRNG ECOMM ECONNABORTED ECONNREFUSED
    ECONNRESET EDEADLK EDEADLOCK EDESTADDRREQ EDOM EDOTDOT EDQUOT EEXIST EFAULT EFBIG EHOSTDOWN
    EHOSTUNREACH EHWPOISON EIDRM EILSEQ EINPROGRESS EINTR EINVAL EIO EISCONN EISDIR EISNAM
    EKEYEXPIRED EKEYREJECTED EKEYREVOKED EL2HLT EL2NSYNC EL3HLT EL3RST ELIBACC ELIBBAD ELIBEXEC
    ELIBMAX ELIBSCN ELNRNG ELOOP EMEDIUMTYPE EMFILE EMLINK EMSGSIZE EMULTIHOP ENAMETOOLONG
    ENAVAIL ENETDOWN ENETRESET ENETUNREACH ENFILE ENOANO ENOBUFS ENOCSI ENODATA ENODEV ENOENT
    ENOEXEC ENOKEY ENOLCK ENOLINK ENOMEDIUM ENOMEM ENOMSG ENONET ENOPKG ENOPROTOOPT ENOSPC ENOSR
    ENOSTR ENOSYS ENOTBLK ENOTCONN ENOTDIR ENOTEMPTY ENOTNAM ENOTRECOVERABLE ENOTSOCK ENOTSUP
    ENOTTY ENOTUNIQ ENXIO EOF EOPNOTSUPP EOVERFLOW EOWNERDEAD EPERM EPFNOSUPPORT EPIPE EPROTO
    EPROTONOSUPPORT EPROTOTYPE ERANGE EREMCHG EREMOTE EREMOTEIO ERESTART ERFKILL EROFS ESHUTDOWN
    ESOCKTNOSUPPORT ESPIPE ESRCH ESRMNT ESTALE ESTRPIPE ETIME ETIMEDOUT ETOOMANYREFS ETXTBSY
    EUCLEAN EUNATCH EUSERS EWOULDBLOCK EXDEV EXFULL EXIT_FAILURE EXIT_SUCCESS EXPR_NEST_MAX
    FD_CLR FD_ISSET FD_SET FD_SETSIZE FD_ZERO FE_ALL_EXCEPT FE_DFL_ENV FE_DIVBYZERO FE_DOWNWARD
    FE_INEXACT FE_INVALID FE_OVERFLOW FE_TONEAREST FE_TOWARDZERO FE_UNDERFLOW FE_UPWARD
    FILENAME_MAX FOPEN_MAX HOST_NAME_MAX HUGE_VAL HUGE_VALF HUGE_VALL HUGE_VAL_F128 HUGE_VAL_F32
    HUGE_VAL_F32X HUGE_VAL_F64 HUGE_VAL_F64X I INFINITY IOV_MAX LC_ADDRESS LC_ADDRESS_MASK
    LC_ALL LC_ALL_MASK LC_COLLATE LC_COLLATE_MASK LC_CTYPE LC_CTYPE_MASK LC_GLOBAL_LOCALE
    LC_IDENTIFICATION LC_IDENTIFICATION_MASK LC_MEASUREMENT LC_MEASUREMENT_MASK LC_MESSAGES
    LC_MESSAGES_MASK LC_MONETARY LC_MONETARY_MASK LC_NAME LC_NAME_MASK LC_NUMERIC
    LC_NUMERIC_MASK LC_PAPER LC_PAPER_MASK LC_TELEPHONE LC_TELEPHONE_MASK LC_TIME LC_TIME_MASK
    LINE_MAX LITTLE_ENDIAN LLONG_MAX LLONG_MIN LLONG_WIDTH LOGIN_NAME_MAX LONG_BIT LONG_LONG_MAX
    LONG_LONG_MIN LONG_MAX LONG_MIN LONG_WIDTH L_ctermid L_cuserid L_tmpnam MATH_ERREXCEPT
    MATH_ERRNO MAXFLOAT MAX_CANON MAX_INPUT MB_CUR_MAX MB_LEN_MAX MOD_CLKA MOD_CLKB MOD_ESTERROR
    MOD_FREQUENCY MOD_MAXERROR MOD_MICRO MOD_NANO MOD_OFFSET MOD_STATUS MOD_TAI MOD_TIMECONST
    MQ_PRIO_MAX NAME_MAX NAN NFDBITS NGROUPS_MAX NL_ARGMAX NL_LANGMAX NL_MSGMAX NL_NMAX
    NL_SETMAX NL_TEXTMAX NULL NZERO ONCE_FLAG_INIT PATH_MAX PDP_ENDIAN PIPE_BUF
    PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP PTHREAD_ATTR_NO_SIGMASK_NP
    PTHREAD_BARRIER_SERIAL_THREAD PTHREAD_CANCELED PTHREAD_CANCEL_ASYNCHRONOUS
    PTHREAD_CANCEL_DEFERRED PTHREAD_CANCEL_DISABLE PTHREAD_CANCEL_ENABLE
    PTHREAD_COND_INITIALIZER PTHREAD_CREATE_DETACHED PTHREAD_CREATE_JOINABLE
    PTHREAD_DESTRUCTOR_ITERATIONS PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP PTHREAD_EXPLICIT_SCHED
    PTHREAD_INHERIT_SCHED PTHREAD_KEYS_MAX PTHREAD_MUTEX_INITIALIZER PTHREAD_ONCE_INIT
    PTHREAD_PROCESS_PRIVATE PTHREAD_PROCESS_SHARED PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP
    PTHREAD_RWLOCK_INITIALIZER PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP
    PTHREAD_SCOPE_PROCESS PTHREAD_SCOPE_SYSTEM PTHREAD_STACK_MIN PTRDIFF_MAX PTRDIFF_MIN
    PTRDIFF_WIDTH P_tmpdir RAND_MAX RENAME_EXCHANGE RENAME_NOREPLACE RENAME_WHITEOUT RE_DUP_MAX
    RTSIG_MAX SCHAR_MAX SCHAR_MIN SCHAR_WIDTH SCHED_BATCH SCHED_DEADLINE SCHED_FIFO SCHED_IDLE
    SCHED_ISO SCHED_OTHER SCHED_RESET_ON_FORK SCHED_RR SEEK_CUR SEEK_DATA SEEK_END SEEK_HOLE
    SEEK_SET SEM_VALUE_MAX SHRT_MAX SHRT_MIN SHRT_WIDTH SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD
    SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT SIGKILL SIGPIPE SIGPOLL SIGPROF SIGPWR
    SIGQUIT SIGRTMAX SIGRTMIN SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN
    SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ SIG_ATOMIC_MAX
    SIG_ATOMIC_MIN SIG_ATOMIC_WIDTH SIG_DFL SIG_ERR SIG_IGN SIZE_MAX SIZE_WIDTH SNAN SNANF
    SNANF128 SNANF32 SNANF32X SNANF64 SNANF64X SNANL SSIZE_MAX STA_CLK STA_CLOCKERR STA_DEL
    STA_FLL STA_FREQHOLD STA_INS STA_MODE STA_NANO STA_PLL STA_PPSERROR STA_PPSFREQ
    STA_PPSJITTER STA_PPSSIGNAL STA_PPSTIME STA_PPSWANDER STA_RONLY STA_UNSYNC TIMER_ABSTIME
    TIME_UTC TMP_MAX TSS_DTOR_ITERATIONS TTY_NAME_MAX UCHAR_MAX UCHAR_WIDTH ULLONG_MAX
    ULLONG_WIDTH ULONG_LONG_MAX ULONG_MAX ULONG_WIDTH USHRT_MAX USHRT_WIDTH WCHAR_MAX WCHAR_MIN
    WCHAR_WIDTH WCONTINUED WEOF WEXITED WEXITSTATUS WIFCONTINUED WIFEXITED WIFSIGNALED
    WIFSTOPPED WINT_MAX WINT_MIN WINT_WIDTH WNOHANG WNOWAIT WORD_BIT WSTOPPED WSTOPSIG WTERMSIG
    WUNTRACED XATTR_LIST_MAX XATTR_NAME_MAX XATTR_SIZE_MAX a64l abort abs acos acosh acospi
    alignas aligned_alloc alignof alloca and and_eq arc4random arc4random_buf arc4random_uniform
    asctime asin asinh asinpi asm assert at_quick_exit atan atan2 atan2pi atanh atanpi atexit
    atof atoi atol atomic_compare_exchange_strong atomic_compare_exchange_strong_explicit
    atomic_compare_exchange_weak atomic_compare_exchange_weak_explicit atomic_exchange
    atomic_exchange_explicit atomic_fetch_add atomic_fetch_add_explicit atomic_fetch_and
    atomic_fetch_and_explicit atomic_fetch_or atomic_fetch_or_explicit atomic_fetch_sub
    atomic_fetch_sub_explicit atomic_fetch_xor atomic_fetch_xor_explicit atomic_flag_clear
    atomic_flag_clear_explicit atomic_flag_test_and_set atomic_flag_test_and_set_explicit
    atomic_init atomic_is_lock_free atomic_load atomic_load_explicit atomic_signal_fence
    atomic_store atomic_store_explicit atomic_thread_fence auto be16toh be32toh be64toh bitand
    bitor bool bool_t break bsearch btowc c16rtomb c32rtomb cabs cacos cacosh call_once calloc
    canonicalize canonicalize_file_name carg case casin casinh catan catanh catch cbrt ccos
    ccosh ceil cexp char char16_t char32_t char8_t cimag class clearenv clearerr clock clog
    clog10 cnd_broadcast cnd_destroy cnd_init cnd_signal cnd_timedwait cnd_wait co_await
    co_return co_yield compl complex compoundn concept conj const const_cast consteval constexpr
    constinit continue contract_assert copysign cos cosh cospi cpow cproj creal csin csinh csqrt
    ctan ctanh ctime daddl ddivl decltype default delete dfmal difftime div dmull do double
    double_t drand48 drand48_r drem dsqrtl dsubl dynamic_cast ecvt ecvt_r else enum erand48
    erand48_r erf erfc errno exit exp exp10 exp10m1 exp2 exp2m1 explicit expm1 export extern
    fabs fadd false fclose fcvt fcvt_r fdim fdiv feclearexcept fegetenv fegetexceptflag
    fegetround feholdexcept feof feraiseexcept ferror fesetenv fesetexceptflag fesetround
    fetestexcept feupdateenv fflush ffma fgetc fgetpos fgets fgetwc fgetws final finite float
    float_t floor fma fmax fmaximum fmaximum_mag fmaximum_mag_num fmaximum_num fmaxmag fmin
    fminimum fminimum_mag fminimum_mag_num fminimum_num fminmag fmod fmul fopen for fpclassify
    fprintf fputc fputs fputwc fputws fread free freopen frexp friend fromfp fromfpx fscanf
    fseek fsetpos fsqrt fsub ftell fwide fwprintf fwrite fwscanf gamma gamma_r gcvt getc getchar
    getenv getloadavg getpayload getpt getsubopt getwc getwchar gmtime goto grantpt htobe16
    htobe32 htobe64 htole16 htole32 htole64 hypot i386 if ilogb imaginary imaxabs imaxdiv import
    initstate initstate_r inline int isalnum isalpha isblank iscanonical iscntrl isdigit iseqsig
    isfinite isgraph isgreater isgreaterequal isinf isinff isless islessequal islessgreater
    islower isnan isnormal isprint ispunct issignaling isspace issubnormal isunordered isupper
    iswalnum iswalpha iswblank iswcntrl iswctype iswdigit iswgraph iswlower iswprint iswpunct
    iswspace iswupper iswxdigit isxdigit iszero j0 j1 jn jrand48 jrand48_r kill_dependency l64a
    labs lcong48 lcong48_r ldexp ldiv le16toh le32toh le64toh lgamma lgamma_r linux llabs lldiv
    llogb llrint llround localeconv localtime log log10 log10p1 log1p log2 log2p1 logb logp1
    long longjmp lrand48 lrand48_r lrint lround main malloc math_errhandling matherr mblen
    mbrlen mbrtoc16 mbrtoc32 mbrtowc mbsinit mbsrtowcs mbstowcs mbtowc memchr memcmp memcpy
    memmove memset mkdtemp mkostemp mkostemp64 mkostemps mkostemps64 mkstemp mkstemp64 mkstemps
    mkstemps64 mktemp mktime modf module mrand48 mrand48_r mtx_destroy mtx_init mtx_lock
    mtx_timedlock mtx_trylock mtx_unlock mutable namespace nan nearbyint new nextafter nextdown
    nexttoward nextup noexcept not not_eq nrand48 nrand48_r nullptr offsetof on_exit operator or
    or_eq override perror posix_memalign posix_openpt pow pow10 pown powr printf private
    protected pselect pthread_cleanup_pop pthread_cleanup_pop_restore_np pthread_cleanup_push
    pthread_cleanup_push_defer_np ptsname ptsname_r public putc putchar putenv puts putwc
    putwchar qecvt qecvt_r qfcvt qfcvt_r qgcvt qsort qsort_r quick_exit raise rand rand_r random
    random_r realloc reallocarray realpath register reinterpret_cast remainder remove remquo
    rename requires restrict return rewind rint rootn round roundeven rpmatch rsqrt scalb
    scalbln scalbn scanf sched_priority secure_getenv seed48 seed48_r select setbuf setenv
    setjmp setlocale setpayload setpayloadsig setstate setstate_r setvbuf short signal signbit
    signed signgam significand sin sincos sinh sinpi sizeof snprintf sprintf sqrt srand srand48
    srand48_r srandom srandom_r sscanf static static_assert static_cast stderr stdin stdout
    strcat strchr strcmp strcoll strcpy strcspn strerror strfromd strfromf strfromf128
    strfromf32 strfromf32x strfromf64 strfromf64x strfroml strftime strlen strncat strncmp
    strncpy strpbrk strrchr strspn strstr strtod strtod_l strtof strtof128 strtof128_l strtof32
    strtof32_l strtof32x strtof32x_l strtof64 strtof64_l strtof64x strtof64x_l strtof_l
    strtoimax strtok strtol strtol_l strtold strtold_l strtoll_l strtoq strtoul strtoul_l
    strtoull_l strtoumax strtouq struct strxfrm switch swprintf swscanf system tan tanh tanpi
    template tgamma this thrd_create thrd_current thrd_detach thrd_equal thrd_exit thrd_join
    thrd_sleep thrd_yield thread_local throw time timespec_get tmpfile tmpnam tolower totalorder
    totalordermag toupper towctrans towlower towupper true trunc try tss_create tss_delete
    tss_get tss_set typedef typeid typename typeof typeof_unqual ufromfp ufromfpx ungetc ungetwc
    union unix unlockpt unsetenv unsigned using va_arg va_copy va_end va_start valloc vfprintf
    vfscanf vfwprintf vfwscanf virtual void volatile vprintf vscanf vsnprintf vsprintf vsscanf
    vswprintf vswscanf vwprintf vwscanf wchar_t wcrtomb wcscat wcschr wcscmp wcscoll wcscpy
    wcscspn wcsftime wcslen wcsncat wcsncmp wcsncpy wcspbrk wcsrchr wcsrtombs wcsspn wcsstr
    wcstod wcstof wcstoimax wcstok wcstol wcstold wcstombs wcstoul wcstoumax wcsxfrm wctob
    wctomb wctrans wctype while wmemchr wmemcmp wmemcpy wmemmove wmemset wprintf wscanf xor
    xor_eq y0 y1 yn
    """.split()  # noqa: SIM905
)
_OWN = frozenset({"in", "out", "captured", "w"})  # what the function itself has names for
_ALIKE = re.compile(
    r"(?:PRI|SCN)[a-zA-Z]\w*|\w+_t|U?INT\w*_(?:MAX|MIN|C|WIDTH)"
    r"|(?:M|FP|FLT|DBL|LDBL|DEC\d*|FLT\d+X?)_\w+"
    r"|f(?:32|64)x?(?:add|div|fma|mul|sqrt|sub)f\w+"
)
# As in sinf, sinl, sinf32x, lgammal_r
_OF_A_TYPE = re.compile(r"(?:[fl]|[fd](?:16|32|64|128)x?)(?:_r)?$")


def is_taken(name: str) -> bool:
    """Whether a name may mean something already where a C function is declared."""
    return (
        name in _WORDS
        or name in _OWN
        or _OF_A_TYPE.sub("", name) in _WORDS
        or bool(_ALIKE.fullmatch(name))
    )
