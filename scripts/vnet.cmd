@echo off
rem Starts a node from any folder. Files that are given are those of the caller's
rem folder; without a word it runs in the project's folder with the config.ini that
rem lies there. To start it at logon, put a shortcut to this file into the folder that
rem Win+R, shell:startup opens.
setlocal
for %%I in ("%~dp0..") do set "root=%%~fI"
if "%~1"=="" (
  cd /d "%root%"
  node "%root%\vnet" "%root%\config.ini"
) else node "%root%\vnet" %*
exit /b %errorlevel%
